import { registerHooks } from 'node:module'

// Lets `node --import` run the sources as they are: imports name the compiled `.js`, the file beside them is `.ts`.
registerHooks({
  resolve(specifier, context, nextResolve) {
    const ours = specifier.startsWith('.') && context.parentURL?.includes('/node_modules/') === false
    return nextResolve(ours ? specifier.replace(/\.js$/, '.ts') : specifier, context)
  },
})
