import { readFile } from 'node:fs/promises'
import { redactText } from '../domain/redact-text.js'
import { hasCode, type JobDirectory } from './job-directory.js'

/** Of a message that is read by people. */
const wordsLimit = 600

/** The end of what a job's process said on standard error before it was gone, masked: '' for one that was killed in silence. */
export async function lastWords(directory: JobDirectory): Promise<string> {
  const text = await readFile(directory.log, 'utf8').catch((error) => {
    if (hasCode(error, 'ENOENT')) return ''
    throw error
  })
  return redactText(text).trim().slice(-wordsLimit)
}
