/**
 * Of an encoded manifest: small enough to be read whole, always, and for Temporal to carry it from one activity to the next
 * (payloads above 2 MiB are refused, several of them at once above 4 MiB).
 */
export const manifestLimitBytes = 256 * 1024

/** What fits into it: each dump takes at most 260 bytes, and the rest of the manifest a few thousand. */
export const maximumDumps = 900
