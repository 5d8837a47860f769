import { defineConfig } from 'rolldown'

/**
 * A command and a job are processes of their own, and most of a short one's time is Node finding and reading hundreds of small
 * files. What is loaded only when it is needed stays apart. Native code stays where it is, and Temporal's packages stay whole: they
 * find files of their own, and tell one another's classes. CommonJS: for an ECMAScript module that imports node:http Node loads all
 * of undici, which takes longer than the rest of us.
 */
const bundle = (name, entry) => ({
  input: { [name]: entry },
  platform: 'node',
  external: [/^@temporalio\//, '@node-rs/crc32', 'pg-native'],
  logLevel: 'warn',
  output: { dir: 'bundle', format: 'cjs', entryFileNames: '[name].cjs', chunkFileNames: `${name}-[name]-[hash].cjs` },
})

// Each by itself: what they share would be split into more files than either needs.
export default defineConfig([bundle('holdfast', 'starters/cli.js'), bundle('job', 'jobs/main.js')])
