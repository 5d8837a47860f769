import type { BackupRun } from './backup-run.js'

/** What went wrong on a backup's way, one line for each activity that failed, timed out or was tried again. For messages of failed trials. */
export async function troubleOf({ system, handle }: BackupRun): Promise<string[]> {
  const { events } = await handle.fetchHistory()
  const names = new Map<string, string>()
  const lines: string[] = []
  for (const event of events ?? []) {
    const scheduled = event.activityTaskScheduledEventAttributes
    if (scheduled) names.set(String(event.eventId), scheduled.activityType?.name ?? '?')
    const started = event.activityTaskStartedEventAttributes
    const ended = event.activityTaskFailedEventAttributes ?? event.activityTaskTimedOutEventAttributes
    const failure = ended?.failure ?? started?.lastFailure
    if (failure == null) continue
    const name = names.get(String((ended ?? started)?.scheduledEventId))
    const inner = failure.cause?.message ?? ''
    const attempt = started?.attempt === undefined ? 'ended' : `was tried ${started?.attempt} times, last`
    lines.push(`${system}: ${name} ${attempt}: ${failure.message ?? ''} ${inner}`)
  }
  return lines
}
