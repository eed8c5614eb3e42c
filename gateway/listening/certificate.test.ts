import { execFileSync } from 'node:child_process'
import { copyFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { formatProblem, loadConfig } from '../config/load.ts'
import { makeCertificates } from '../test/proxying/certificates.ts'
import { temporaryDirectory } from '../test/test-gateway.ts'
import { type Certificate, type CertificateProblem, readCertificate } from './certificate.ts'
import { watchCertificate } from './watch-certificate.ts'

const opened = new AsyncDisposableStack()
const { path: folder } = opened.use(await temporaryDirectory())
await makeCertificates(folder)
afterAll(() => opened.disposeAsync())
const at = (name: string): string => join(folder, name)
const good = { cert: at('good.pem'), key: at('good.key') }

describe('a pair that cannot be served is refused with its cure', () => {
  it('and one that can is read, with its end', () => {
    const reading = readCertificate(good)
    expect(reading.kind).toBe('read')
    const inTwoDaysMs = Date.now() + 2 * 86_400_000
    if (reading.kind !== 'read') return
    expect(Math.abs(reading.certificate.expiresAtMs - inTwoDaysMs)).toBeLessThan(120_000)
  })

  it('one that has expired is read all the same: clients who do not look are better served than nobody', () => {
    expect(readCertificate({ cert: at('expired.pem'), key: at('expired.key') }).kind).toBe('read')
  })

  it.each([
    ['a missing certificate', { ...good, cert: at('none.pem') }, 'cert', 'no such file'],
    ['a missing key', { ...good, key: at('none.key') }, 'key', 'no such file'],
    ['a directory', { ...good, key: folder }, 'key', 'cannot be read (EISDIR)'],
    ['a key in place of a certificate', { ...good, cert: good.key }, 'cert', 'not a certificate in PEM'],
    ['a certificate in place of a key', { ...good, key: good.cert }, 'key', 'not a private key in PEM'],
    ['the key of another', { ...good, key: at('wrong.key') }, 'key', 'not the key of the certificate'],
  ])('%s', (_what, files, of, message) => {
    expect(readCertificate(files)).toMatchObject({ kind: 'bad', of, message, cure: expect.any(String) })
  })

  it('a key behind a passphrase', () => {
    execFileSync('openssl', [
      'pkey',
      '-in',
      good.key,
      '-aes256',
      '-passout',
      'pass:x',
      '-out',
      at('locked.key'),
    ])
    expect(readCertificate({ ...good, key: at('locked.key') })).toMatchObject({
      ...{ kind: 'bad', of: 'key', message: 'locked with a passphrase' },
    })
  })

  it('before anything is started', async () => {
    const file = at('gateway.yaml')
    const tls = { cert: good.cert, key: at('wrong.key') }
    const upstreams = { app: { url: 'http://127.0.0.1:3000' } }
    await writeFile(
      file,
      JSON.stringify({ listen: { tls }, upstreams, routes: [{ path: '/', upstream: 'app' }] }),
    )
    const loaded = loadConfig(file, {})
    expect(loaded.kind === 'bad' && loaded.problems.map(formatProblem)).toEqual([
      `${file}: listen.tls.key: not the key of the certificate, found ${JSON.stringify(tls.key)} – name the two files that were made together`,
    ])
  })
})

describe('files that change', () => {
  it('are read when both have settled; what cannot be served is told once, and never used', async () => {
    const files = { cert: at('live.pem'), key: at('live.key') }
    const put = async (name: string): Promise<void> => {
      await copyFile(at(`${name}.pem`), files.cert)
      await copyFile(at(`${name}.key`), files.key)
    }
    await put('good')
    const replaced: Certificate[] = []
    const problems: CertificateProblem[] = []
    using _watch = watchCertificate({
      files,
      everyMs: 20,
      replace: (certificate) => replaced.push(certificate),
      warn: (problem) => problems.push(problem),
    })
    await put('self')
    await expect.poll(() => replaced.length).toBe(1)
    await copyFile(at('wrong.key'), files.key)
    await expect
      .poll(() => problems.map(({ message }) => message))
      .toEqual(['not the key of the certificate'])
    await rm(files.key)
    await expect.poll(() => problems.length).toBe(2)
    await put('good')
    await expect.poll(() => replaced.length).toBe(2)
    expect(problems.length).toBe(2)
  })
})
