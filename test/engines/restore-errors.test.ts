import { expect, test } from 'vitest'
import { createErrorReader } from '../../src/engines/postgres/logical/restore-errors.js'

function errorsIn(text: string) {
  const reader = createErrorReader()
  for (const line of text.split('\n')) reader.read(line)
  return reader.errors
}

test('an error is told with what was to be made', () => {
  const text = `pg_restore: error: could not execute query: ERROR:  relation "public.t" does not exist
Command was: ALTER TABLE ONLY public.u
    ADD CONSTRAINT u_t_fkey FOREIGN KEY (t) REFERENCES public.t(i);


pg_restore: error: could not execute query: ERROR:  function f() does not exist
Command was: CREATE TRIGGER x BEFORE INSERT ON public.u FOR EACH ROW EXECUTE FUNCTION f();

pg_restore: warning: errors ignored on restore: 2`
  expect(errorsIn(text)).toEqual([
    {
      error: 'ERROR:  relation "public.t" does not exist',
      command: 'ALTER TABLE ONLY public.u ADD CONSTRAINT u_t_fkey FOREIGN KEY (t) REFERENCES public.t(i)',
    },
    {
      error: 'ERROR:  function f() does not exist',
      command: 'CREATE TRIGGER x BEFORE INSERT ON public.u FOR EACH ROW EXECUTE FUNCTION f()',
    },
  ])
})

test('what may be a secret in a command is not repeated', () => {
  const text = `pg_restore: error: could not execute query: ERROR:  server "far" does not exist
Command was: CREATE USER MAPPING FOR app SERVER far OPTIONS (password 'hunter2', "user" 'app');`
  expect(JSON.stringify(errorsIn(text))).not.toContain('hunter2')
})
