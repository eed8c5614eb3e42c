import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import type { Mail, Mails } from './mail.ts'
import { type Letter, messageOf } from './message.ts'

/** A mail that was written instead of sent. */
export interface KeptMail {
  readonly to: string
  readonly subject: string
  readonly file: string
  readonly code?: string
}

export interface OutboxMailsOptions {
  /** Made when missing. */
  readonly directory: string
  readonly from: string
  readonly print: (kept: KeptMail) => void
  readonly warn: (fields: Readonly<Record<string, unknown>>, sentence: string) => void
}

export interface OutboxMails extends Mails {
  /** Resolves when all is written. */
  close(): Promise<void>
}

/** Mails as files that a mail program opens, for its owner's eyes alone: for trying things out. */
export function createOutboxMails({ directory, from, print, warn }: OutboxMailsOptions): OutboxMails {
  const composer = createTransport({ streamTransport: true, buffer: true, newline: 'unix' })
  const underWay = new Set<Promise<void>>()

  async function keep(letter: Letter): Promise<void> {
    try {
      const message = messageOf(letter, from)
      const { message: content } = await composer.sendMail(message)
      const file = join(directory, fileNameOf(letter))
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await writeFile(file, content as Buffer, { flag: 'wx', mode: 0o600 })
      print({ to: letter.to.email, subject: message.subject, file, ...codeOf(letter.mail) })
    } catch (err) {
      warn(
        { err },
        `a mail could not be written. Let the gateway write to ${directory}, or change mail.outbox.`,
      )
    }
  }

  return {
    send(to, mail) {
      const kept = keep({ to, mail, id: randomUUID(), writtenAt: new Date() }).finally(() =>
        underWay.delete(kept),
      )
      underWay.add(kept)
    },
    async close() {
      await Promise.all(underWay)
    },
  }
}

const codeOf = (mail: Mail): { code?: string } => ('code' in mail ? { code: mail.code } : {})

/** In order of time; part of the id tells mails of one millisecond apart. */
function fileNameOf({ to, id, writtenAt }: Letter): string {
  const time = writtenAt.toISOString().replace(/[:.]/g, '-')
  const recipient = to.email.replace(/[^a-z0-9@._-]/g, '_').slice(0, 80)
  return `${time}-${recipient}-${id.slice(0, 8)}.eml`
}
