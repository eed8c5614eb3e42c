import { statSync } from 'node:fs'
import {
  type Certificate,
  type CertificateFiles,
  type CertificateProblem,
  readCertificate,
} from './certificate.ts'

export interface CertificateWatchOptions {
  readonly files: CertificateFiles
  /** Takes the place of the one in use. */
  readonly replace: (certificate: Certificate) => void
  /** The new files are of no use; what is in use stays. */
  readonly warn: (problem: CertificateProblem) => void
  readonly everyMs?: number
}

/**
 * Looks at the files again and again, by their times, since renewals replace them in ways that no file watcher sees all
 * of. A pair is read when it has stood still from one look to the next: the two files are seldom written at once.
 */
export function watchCertificate(options: CertificateWatchOptions): Disposable {
  const { files, replace, warn, everyMs = 2_000 } = options
  let inUse = signature(files)
  let seen = inUse
  const looking = setInterval(() => {
    const now = signature(files)
    const isSettled = now === seen
    seen = now
    if (!isSettled || now === inUse) return
    inUse = now
    const { kind, ...reading } = readCertificate(files)
    if ('certificate' in reading) replace(reading.certificate)
    else warn(reading as CertificateProblem)
  }, everyMs).unref()
  return { [Symbol.dispose]: () => clearInterval(looking) }
}

function signature({ cert, key }: CertificateFiles): string {
  return [cert, key]
    .map((file) => {
      const found = statSync(file, { throwIfNoEntry: false })
      return found === undefined ? 'gone' : `${found.ino} ${found.size} ${found.mtimeMs}`
    })
    .join()
}
