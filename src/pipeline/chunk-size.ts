/** 1 MiB: what stages read, hold and hand on at a time. Smaller chunks cost a turn of the event loop each. */
export const chunkBytes = 1024 * 1024
