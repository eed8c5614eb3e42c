import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { exportJWK, generateKeyPair } from 'jose'

/** A key in its folder. The name says when it begins to sign; the first one of a folder has always signed. */
export interface KeyFile {
  readonly name: string
  /** Epoch milliseconds; 0 for the first one. */
  readonly signsFromMs: number
  readonly changedAtMs: number
}

/**
 * `coming`: published, so that whoever checks signatures knows it before it signs. `accepted`: replaced, while
 * tokens it has signed may be alive. `retired`: as good as gone.
 */
export type KeyState = 'coming' | 'signing' | 'accepted' | 'retired'

export const firstKeyFile = 'signing-key.jwk.json'
export const laterKeyFile = (signsFromMs: number): string => `signing-key.${signsFromMs}.jwk.json`
const anyKeyFile = /^signing-key(?:\.(\d{1,15}))?\.jwk\.json$/

/**
 * Every key of the folder in the order in which they sign, oldest first.
 *
 * @throws Error that names the folder and the cure
 */
export function listKeyFiles(directory: string): Promise<KeyFile[]> {
  return orNameTheCure(directory, async () => {
    const files: KeyFile[] = []
    for (const name of await readdir(directory)) {
      const match = anyKeyFile.exec(name)
      if (match === null) continue
      const { mtimeMs } = await stat(join(directory, name))
      files.push({ name, signsFromMs: Number(match[1] ?? 0), changedAtMs: mtimeMs })
    }
    return files.toSorted((one, other) => one.signsFromMs - other.signsFromMs)
  })
}

/**
 * What each of the keys is good for at `nowMs`, in their order. There is always one that signs.
 *
 * @param acceptedForMs how long after its replacement a key's tokens may be alive
 */
export function keyStates(
  keys: readonly Pick<KeyFile, 'signsFromMs'>[],
  nowMs: number,
  acceptedForMs: number,
): KeyState[] {
  const signing = Math.max(
    0,
    keys.findLastIndex(({ signsFromMs }) => signsFromMs <= nowMs),
  )
  return keys.map((_, index) => {
    if (index > signing) return 'coming'
    const replacedAtMs = keys[index + 1]?.signsFromMs
    if (index === signing || replacedAtMs === undefined) return 'signing'
    return replacedAtMs + acceptedForMs > nowMs ? 'accepted' : 'retired'
  })
}

/** A new Ed25519 private key as a JWK. */
export async function newKeyText(): Promise<string> {
  const { privateKey } = await generateKeyPair('EdDSA', { extractable: true })
  return `${JSON.stringify(await exportJWK(privateKey))}\n`
}

/**
 * The file's text; when there is no such file, what `make` makes of it, for the owner alone to read.
 * Whoever links first wins, and the others read what it made: a link, unlike a rename, never replaces.
 */
export async function readOrMake(
  directory: string,
  name: string,
  make: () => Promise<string>,
): Promise<string> {
  const file = join(directory, name)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const there = await readIfThere(file)
  if (there !== null) return there
  const temporary = join(directory, `.${name}.${randomBytes(9).toString('base64url')}`)
  try {
    const text = await make()
    await writeDurably(temporary, text)
    await link(temporary, file)
    return text
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return await readFile(file, 'utf8')
  } finally {
    await unlink(temporary).catch(() => undefined)
  }
}

export async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

async function writeDurably(file: string, text: string): Promise<void> {
  await using handle = await open(file, 'wx', 0o600)
  await handle.writeFile(text)
  await handle.sync()
}

/** Adds to what went wrong where it did, and what to do. */
export async function orNameTheCure<T>(file: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(
      `Cannot open the signing key ${file}: ${reason}. Let the gateway's user read and write it, or name another folder in identity.keysDirectory.`,
      { cause },
    )
  }
}
