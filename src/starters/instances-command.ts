import type { Command } from 'commander'
import { HoldfastError } from '../domain/errors.js'
import { type InstanceName, parseInstanceName } from '../domain/ids.js'
import type { Instance } from '../domain/instance.js'
import { confirmByName } from './confirm.js'
import { describeInstances } from './describe-instances.js'
import { seeInstances } from './instances-seen.js'
import { answer, type OutputOptions } from './output.js'
import { addVerb, compositionOf, contextOf } from './verb.js'

export function addInstancesCommand(program: Command, env: NodeJS.ProcessEnv): void {
  const instances = addVerb(program, 'instances', 'restored servers on this host', groupExamples).enablePositionalOptions()
  addVerb(instances, 'ls', 'list the instances and whether their servers run', listExamples)
    .option('--json', 'print the list as JSON')
    .action(async (options: OutputOptions, command: Command) => {
      const context = await contextOf(command, env)
      const seen = await seeInstances(await compositionOf(context))
      answer(options, { host: context.loaded.config.host, instances: seen }, describeInstances(seen))
    })
  addVerb(instances, 'stop', "stop an instance's server; its data stays", stopExamples)
    .argument('<instance>', 'name of an instance')
    .option('--json', 'print the outcome as JSON')
    .action(async (text: string, options: OutputOptions, command: Command) => {
      const context = await contextOf(command, env)
      const composition = await compositionOf(context)
      const instance = await existing(composition.provisioner, parseInstanceName(text))
      const { refuseWhileRestored } = await import('./instance-owner.js')
      await refuseWhileRestored(context, instance)
      const ran = await composition.provisioner.isRunning(instance)
      await composition.provisioner.stop(instance, neverAborted())
      const { name, user, binDirectory, dataDirectory, logFile } = instance
      const start = `runuser -u ${user} -- ${binDirectory}/pg_ctl start -D ${dataDirectory} -l ${logFile}`
      const said = ran ? `instance ${name} is stopped` : `instance ${name} was not running`
      answer(options, { instance: name, stopped: ran }, `${said}; its data stays\n  start it again with: ${start}\n`)
    })
  addVerb(instances, 'drop', 'stop an instance and remove everything of it', dropExamples)
    .argument('<instance>', 'name of an instance')
    .option('-y, --yes', 'do not ask')
    .option('--json', 'print the outcome as JSON')
    .action(async (text: string, options: OutputOptions & { readonly yes?: true }, command: Command) => {
      const context = await contextOf(command, env)
      const composition = await compositionOf(context)
      const name = parseInstanceName(text)
      const { refuseWhileMade, refuseWhileRestored } = await import('./instance-owner.js')
      const instance = await composition.provisioner.find(name)
      if (instance !== undefined) await refuseWhileRestored(context, instance)
      else if (await composition.provisioner.hasRemains(name)) await refuseWhileMade(context, name)
      else throw notThere(name)
      const what = instance === undefined ? `what a restore to ${name} left` : `everything in ${instance.directory}`
      if (options.yes === undefined) await confirmByName(name, `${what} is removed`)
      const { removeInstance } = await import('../workers/remove-instance.js')
      await removeInstance(composition, name, neverAborted())
      const said = instance === undefined ? what : `instance ${name}`
      answer(options, { instance: name, dropped: true }, `${said} is removed\n`)
    })
}

const groupExamples = `  holdfast instances ls
  holdfast instances stop avi5-check
  holdfast instances drop avi5-check
`
const listExamples = `  holdfast instances ls
  holdfast instances ls --json | jq -r '.instances[] | select(.running) | .name'

Only of this host: each knows its own.
`
const stopExamples = `  holdfast instances stop avi5-check
`
const dropExamples = `  holdfast instances drop avi5-check        asks for the name again
  holdfast instances drop avi5-check --yes  for scripts

Refused (5) while the restore that makes the instance runs: cancel that first, and it removes the instance itself.
`

async function existing(
  provisioner: { find(name: InstanceName): Promise<Instance | undefined> },
  name: InstanceName,
): Promise<Instance> {
  const instance = await provisioner.find(name)
  if (instance === undefined) throw notThere(name)
  return instance
}

function notThere(name: InstanceName): HoldfastError {
  return new HoldfastError('NOT_FOUND', `there is no instance "${name}" on this host`, {
    hint: '`holdfast instances ls` shows what is there',
  })
}

/** Ctrl-C ends this process as usual; both verbs can be repeated. */
function neverAborted(): AbortSignal {
  return new AbortController().signal
}
