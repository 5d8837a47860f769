import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { freePort } from './free-port.js'
import { isListening } from './is-listening.js'

export interface VersitygwOptions {
  /** Buckets are directories below it; made where it is missing. Starting again on the same directory finds them. */
  readonly directory: string
  /** Serve HTTPS with a self-signed certificate, kept beside `directory` as `<directory>.crt`. */
  readonly tls?: boolean
  readonly port?: number
  /** The server writes a line for each request it has answered. */
  readonly accessLog?: string
  /** `free`: it lives on without this process. `tied`, unless told: it ends with it. */
  readonly lifetime?: 'tied' | 'free'
}

export interface Versitygw {
  readonly endpoint: string
  readonly region: string
  readonly port: number
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly caFile?: string
  readonly pid: number
  /** Ends the server; resolves when it is gone. Calling it again is harmless. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** A real S3 server on a loopback port, found by VERSITYGW_PATH, in `.tools/bin`, or on PATH. Resolves when it answers. */
export async function startVersitygw(options: VersitygwOptions): Promise<Versitygw> {
  await mkdir(options.directory, { recursive: true })
  const port = options.port ?? (await freePort())
  const certificate = options.tls ? await makeCertificate(options.directory) : undefined
  const tls = certificate ? ['--cert', certificate.certFile, '--key', certificate.keyFile] : []
  const log = options.accessLog === undefined ? [] : ['--access-log', options.accessLog]
  const args = ['--port', `127.0.0.1:${port}`, '--quiet', '--keep-alive', ...log, ...tls, 'posix', options.directory]
  const free = options.lifetime === 'free'
  const child = spawn(binary(), args, {
    env: { PATH: process.env.PATH, ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
    // Nobody would read the pipe of a server that outlives us.
    stdio: ['ignore', 'ignore', free ? 'ignore' : 'pipe'],
    detached: free,
  })
  if (!free) killWithUs(child)
  await untilListening(child, port)
  return {
    endpoint: `${certificate ? 'https' : 'http'}://127.0.0.1:${port}`,
    region: 'us-east-1',
    port,
    accessKeyId,
    secretAccessKey,
    ...(certificate && { caFile: certificate.certFile }),
    pid: child.pid ?? -1,
    stop: (signal = 'SIGTERM') => stop(child, signal),
  }
}

/** @param bucket at least 3 characters. */
export async function createBucket(server: Versitygw, bucket: string): Promise<void> {
  const ca = server.caFile && (await readFile(server.caFile))
  const client = new S3Client({
    endpoint: server.endpoint,
    region: server.region,
    forcePathStyle: true,
    credentials: { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey },
    requestHandler: new NodeHttpHandler(ca ? { httpsAgent: { ca } } : {}),
  })
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
  } finally {
    client.destroy()
  }
}

const accessKeyId = 'holdfast-test'
const secretAccessKey = 'not-a-real-secret'

function binary(): string {
  if (process.env.VERSITYGW_PATH) return process.env.VERSITYGW_PATH
  const local = fileURLToPath(new URL('../../.tools/bin/versitygw', import.meta.url))
  return existsSync(local) ? local : 'versitygw'
}

function killWithUs(child: ChildProcess): void {
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.removeListener('exit', kill))
}

async function makeCertificate(directory: string): Promise<{ certFile: string; keyFile: string }> {
  const [certFile, keyFile] = [`${directory}.crt`, `${directory}.key`]
  if (!existsSync(certFile)) {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile]
    const subject = ['-subj', '/CN=holdfast test', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost', '-days', '2']
    await promisify(execFile)('openssl', ['req', '-x509', ...key, ...subject, '-out', certFile])
  }
  return { certFile, keyFile }
}

async function untilListening(child: ChildProcess, port: number): Promise<void> {
  let said = ''
  let failure: Error | undefined
  child.stderr?.on('data', (chunk: Buffer) => {
    said = `${said}${chunk}`.slice(-2000)
  })
  child.once('error', (error) => {
    failure = error
  })
  for (let tries = 0; tries < 400; tries += 1) {
    if (failure) throw new Error(`versitygw cannot be started; set VERSITYGW_PATH: ${failure.message}`, { cause: failure })
    if (child.exitCode !== null) throw new Error(`versitygw ended with status ${child.exitCode}: ${said}`)
    if (await isListening(port)) return
    await sleep(25)
  }
  child.kill('SIGKILL')
  throw new Error(`versitygw did not listen on port ${port}: ${said}`)
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), 3000)
  await gone
  clearTimeout(timer)
}
