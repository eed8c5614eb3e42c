import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { hash, type Options, parseOptions, verify } from '@node-rs/argon2'
import { createPasswordQueue } from './password-queue.ts'
import { lowerHashingThreads } from './password-threads.ts'
import { isPasswordTooLong } from './passwords.ts'

export interface PasswordHashingOptions {
  /** Hashes at once; all cores but one by default. */
  readonly concurrency?: number
  /** Hashes that may wait, 64 by default; one more is refused as `overloaded`. */
  readonly queueLimit?: number
  /** Argon2id's memory and passes: OWASP's 19 MiB and 2 by default. */
  readonly memoryKib?: number
  readonly passes?: number
}

export type PasswordVerdict =
  /** `needsRehash`: stored as plain text or with weaker parameters; store `hashPassword(given)` instead. */
  { readonly kind: 'right'; readonly needsRehash: boolean } | { readonly kind: 'wrong' }

export interface PasswordHashing {
  /** An argon2id string in PHC form. The rules (`checkPassword`) are asked before. */
  hashPassword(password: string): Promise<string>
  /**
   * Compares with an argon2 string, or with the plain text that an older app kept. Every path costs one argon2
   * computation, so call it for a disabled account too, and look at `isActive` afterwards.
   */
  verifyPassword(stored: string, given: string): Promise<PasswordVerdict>
  /** Takes as long as `verifyPassword`; for an e-mail that nobody has. */
  verifyAgainstNothing(given: string): Promise<{ readonly kind: 'wrong' }>
}

/** Argon2id over a bounded queue; every method rejects with `overloaded` when the queue is full. */
export function createPasswordHashing(options: PasswordHashingOptions = {}): PasswordHashing {
  const { memoryKib = 19_456, passes = 2 } = options
  const inTurn = createPasswordQueue({
    concurrency: options.concurrency ?? Math.max(1, availableParallelism() - 1),
    queueLimit: options.queueLimit ?? 64,
  })
  // `algorithm` is left out: argon2id is the library's default, and its const enum cannot be imported here.
  const cost: Options = { memoryCost: memoryKib, timeCost: passes, parallelism: 1 }
  const hashOfNothing = `$argon2id$v=19$m=${memoryKib},t=${passes},p=1$${phcBase64(16)}$${phcBase64(32)}`

  let isLowered = false
  const verifyAgainst = (stored: string, given: string): Promise<boolean> => {
    const verifying = verify(stored, given)
    // The threads begin with the first task they are given.
    if (!isLowered) lowerHashingThreads()
    isLowered = true
    return verifying
  }

  const verifyAgainstNothing = async (given: string): Promise<{ kind: 'wrong' }> => {
    await inTurn(() => verifyAgainst(hashOfNothing, isUsable(given) ? given : ''))
    return { kind: 'wrong' }
  }

  return {
    hashPassword: (password) => inTurn(() => hash(password, cost)),
    verifyAgainstNothing,
    async verifyPassword(stored, given) {
      if (!isUsable(given)) return verifyAgainstNothing(given)
      const form = readStored(stored)
      if (form.kind === 'argon2') {
        const isRight = await inTurn(() => verifyAgainst(stored, given))
        if (!isRight) return { kind: 'wrong' }
        return {
          kind: 'right',
          needsRehash: form.memoryKib < memoryKib || form.passes < passes || !form.isId,
        }
      }
      await verifyAgainstNothing(given)
      if (form.kind === 'plain' && sameText(stored, given)) return { kind: 'right', needsRehash: true }
      return { kind: 'wrong' }
    },
  }
}

type StoredForm =
  | { kind: 'argon2'; memoryKib: number; passes: number; isId: boolean }
  | { kind: 'plain' }
  /** A hash we cannot check. Comparing it as text would let in whoever stole the table. */
  | { kind: 'unusable' }

const looksLikeArgon2 = /^\$argon2(id|i|d)\$v=\d+\$m=\d+/
const looksLikeOtherHash = /^\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}$|^\$[156y]\$[^ ]{20,}$/

function readStored(stored: string): StoredForm {
  if (stored === '' || looksLikeOtherHash.test(stored)) return { kind: 'unusable' }
  if (!looksLikeArgon2.test(stored)) return { kind: 'plain' }
  try {
    const { memoryCost, timeCost, parallelism } = parseOptions(stored)
    // A planted string must not be able to ask for gigabytes or minutes.
    if (memoryCost > 1_048_576 || timeCost > 16 || parallelism > 16) return { kind: 'unusable' }
    const isId = stored.startsWith('$argon2id$')
    return { kind: 'argon2', memoryKib: memoryCost, passes: timeCost, isId }
  } catch {
    return { kind: 'unusable' }
  }
}

function isUsable(given: string): boolean {
  return given.isWellFormed() && !isPasswordTooLong(given)
}

/** Digests first: `timingSafeEqual` wants equal lengths, and the length is a secret too. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest()
  return timingSafeEqual(digest(a), digest(b))
}

function phcBase64(bytes: number): string {
  return randomBytes(bytes).toString('base64').replace(/=+$/, '')
}
