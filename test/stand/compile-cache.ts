import { resolve } from 'node:path'

/** For the environment of `holdfast`: it starts by the hundred, and need not be compiled each time. */
export const compileCache = { NODE_COMPILE_CACHE: resolve('.run/compile-cache') }
