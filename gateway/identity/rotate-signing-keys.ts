import { unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { keyStates, laterKeyFile, listKeyFiles, newKeyText, readOrMake } from './signing-key-files.ts'
import type { SigningKeys } from './signing-keys.ts'

/** As long as our JWKS may be cached: who asks for it now and then knows a key before it signs. */
export const publishAheadMs = 300_000

export interface RotateOptions {
  readonly directory: string
  /** When the new key begins to sign; epoch milliseconds. */
  readonly signsFromMs: number
  readonly nowMs: number
  /** See `keyStates`. */
  readonly acceptedForMs: number
}

/**
 * Makes a key beside the others and deletes those that are retired. Gateways that rotate to the same moment
 * at once make one key.
 *
 * @returns the new file's name
 */
export async function rotateSigningKeys(options: RotateOptions): Promise<string> {
  const { directory, signsFromMs, nowMs, acceptedForMs } = options
  const name = laterKeyFile(signsFromMs)
  await readOrMake(directory, name, newKeyText)
  const files = await listKeyFiles(directory)
  const states = keyStates(files, nowMs, acceptedForMs)
  const retired = files.filter((_, index) => states[index] === 'retired')
  // Another gateway may have been faster.
  await Promise.all(retired.map((file) => unlink(join(directory, file.name)).catch(() => undefined)))
  return name
}

/** When the next key begins to sign; null while it is too early to make it. */
export function nextRotationMs(
  newest: { readonly signsFromMs: number; readonly changedAtMs: number },
  everyMs: number,
  nowMs: number,
): number | null {
  const dueMs = (newest.signsFromMs || newest.changedAtMs) + everyMs
  if (nowMs < dueMs - publishAheadMs) return null
  // Whole minutes, so that gateways that notice at the same time mean the same moment.
  return Math.ceil(Math.max(dueMs, nowMs + publishAheadMs) / 60_000) * 60_000
}

export interface WatchKeysOptions {
  readonly keys: Pick<SigningKeys, 'reload'>
  readonly directory: string
  /** Null: keys are replaced by hand only. */
  readonly rotateEveryMs: number | null
  readonly acceptedForMs: number
  /** Told once of each problem while it lasts. */
  readonly warn: (cause: unknown) => void
  readonly lookEveryMs?: number
}

/** Picks up what others do in the folder, and replaces the key when it is old enough. */
export function watchSigningKeys(options: WatchKeysOptions): Disposable {
  const { keys, directory, rotateEveryMs, acceptedForMs, warn, lookEveryMs = 5_000 } = options
  let told = ''

  async function look(): Promise<void> {
    try {
      if (rotateEveryMs !== null) await rotateWhenDue(rotateEveryMs)
      await keys.reload()
      told = ''
    } catch (cause) {
      if (String(cause) !== told) warn(cause)
      told = String(cause)
    }
  }

  async function rotateWhenDue(everyMs: number): Promise<void> {
    const newest = (await listKeyFiles(directory)).at(-1)
    const nowMs = Date.now()
    const signsFromMs = newest === undefined ? null : nextRotationMs(newest, everyMs, nowMs)
    if (signsFromMs !== null) await rotateSigningKeys({ directory, signsFromMs, nowMs, acceptedForMs })
  }

  const timer = setInterval(look, lookEveryMs).unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
