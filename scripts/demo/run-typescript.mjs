import { registerHooks } from 'node:module'

// Imports name the compiled `.js`; run as it is, the file beside them is `.ts`.
registerHooks({
  resolve(specifier, context, nextResolve) {
    const ours = specifier.startsWith('.') && context.parentURL?.includes('/node_modules/') === false
    return nextResolve(ours ? specifier.replace(/\.js$/, '.ts') : specifier, context)
  },
})
