import type { WindowGap } from './recovery-window.js'

/** `00000001…2A to 00000001…2F are missing` */
export function describeGap({ firstMissing, lastMissing, reason }: WindowGap): string {
  const [files, is, has] =
    firstMissing === lastMissing ? [firstMissing, 'is', 'has'] : [`${firstMissing} to ${lastMissing}`, 'are', 'have']
  switch (reason) {
    case 'missing':
    case 'missing-history':
      return `${files} ${is} missing`
    case 'conflict':
    case 'conflicting-history':
      return `${files} ${has} two contents`
    case 'damaged-history':
      return `${files} cannot be read`
  }
}
