import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface Certificate {
  readonly key: string
  readonly cert: string
}

export interface Certificates {
  /** File of the authority that signed those below. */
  readonly caFile: string
  readonly good: Certificate
  readonly wrongName: Certificate
  readonly expired: Certificate
  /** For the right name, but signed by nobody else. */
  readonly selfSigned: Certificate
}

const run = promisify(execFile)

/** Makes an authority and certificates for 127.0.0.1 in the folder, with the openssl of the machine. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const at = (name: string) => join(folder, name)
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const selfSign = (name: string, ...extension: string[]) =>
    run('openssl', [
      ...['req', '-x509', ...newKey, '-days', '2', '-subj', `/CN=${name}`],
      ...['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`), ...extension],
    ])
  const sign = async (name: string, address: string, days: number) => {
    await run('openssl', [
      'req',
      ...newKey,
      '-subj',
      `/CN=${name}`,
      '-keyout',
      at(`${name}.key`),
      '-out',
      at(`${name}.csr`),
    ])
    await writeFile(at(`${name}.ext`), `subjectAltName=IP:${address}`)
    await run('openssl', [
      ...[
        'x509',
        '-req',
        '-in',
        at(`${name}.csr`),
        '-CA',
        at('ca.pem'),
        '-CAkey',
        at('ca.key'),
        '-CAcreateserial',
      ],
      ...['-extfile', at(`${name}.ext`), '-out', at(`${name}.pem`), '-days', String(days)],
    ])
  }
  const read = async (name: string): Promise<Certificate> => ({
    key: await readFile(at(`${name}.key`), 'utf8'),
    cert: await readFile(at(`${name}.pem`), 'utf8'),
  })

  await selfSign('ca')
  await sign('good', '127.0.0.1', 2)
  await sign('wrong', '192.0.2.1', 2)
  await sign('expired', '127.0.0.1', -1)
  await selfSign('self', '-addext', 'subjectAltName=IP:127.0.0.1')
  return {
    caFile: at('ca.pem'),
    good: await read('good'),
    wrongName: await read('wrong'),
    expired: await read('expired'),
    selfSigned: await read('self'),
  }
}
