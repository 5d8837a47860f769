import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson } from '../../src/domain/canonical-json.js'

test('members are sorted at every depth, lists keep their order, and what is undefined is left out', () => {
  expect(canonicalJson({ b: [2, 1, { d: null, c: 'x' }], a: undefined, A: {} })).toBe(
    '{\n  "A": {},\n  "b": [\n    2,\n    1,\n    {\n      "c": "x",\n      "d": null\n    }\n  ]\n}',
  )
})

test('equal values have equal text, and the text gives the value back', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[a-zA-Z]{1,8}$/), fc.jsonValue()), (value) => {
      const shuffled = Object.fromEntries(Object.entries(value).reverse())
      expect(canonicalJson(shuffled)).toBe(canonicalJson(value))
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})
