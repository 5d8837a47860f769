import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { bundleWorkflowCode } from '@temporalio/worker'

/*
 * Part of the build: bundles the workflows once, so that a worker starts without webpack.
 */
const { code } = await bundleWorkflowCode({ workflowsPath: fileURLToPath(new URL('../workflows/index.js', import.meta.url)) })
await writeFile(new URL('../bundle/workflows.js', import.meta.url), code)
