import { proxyActivities, sleep } from '@temporalio/workflow'

// Compiled by `tsc --noEmit` and never run. Without the `paths` entry for `ms` in tsconfig.json every duration is `any`, the
// typing errors below go unnoticed, and then the compiler complains about the expectations instead.
export function durationsAreChecked(): void {
  void sleep('5 minutes')
  void sleep(300_000)
  // @ts-expect-error: a typing error in a unit
  void sleep('5 mintues')
  proxyActivities({ startToCloseTimeout: '6 hours' })
  // @ts-expect-error: the same in the options of activities
  proxyActivities({ startToCloseTimeout: '6 huors' })
}
