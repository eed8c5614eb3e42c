import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import type { GatewayConfig } from './config/config.ts'
import type { Mails } from './identity/mails/mail.ts'
import { createOutboxMails, type KeptMail } from './identity/mails/outbox-mails.ts'
import { createSmtpMails } from './identity/mails/smtp-mails.ts'

/**
 * How mails leave; `opened` lets those under way leave before the end. Null: they do not.
 *
 * @throws Error that names the cure when the authority of the mail server cannot be read
 */
export function openMails(
  { mail, limits }: Pick<GatewayConfig, 'mail' | 'limits'>,
  log: Logger,
  opened: AsyncDisposableStack,
): Mails | null {
  if (mail === null) return null
  const warn = log.warn.bind(log)
  if (mail.kind === 'outbox') {
    const mails = createOutboxMails({ ...mail, print, warn })
    opened.defer(() => mails.close())
    return mails
  }
  const mails = createSmtpMails({ ...mail, ca: mail.ca === null ? null : readAuthority(mail.ca), warn })
  opened.defer(() => mails.close(limits.drainTimeoutMs))
  return mails
}

function readAuthority(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`Cannot read the authority of the mail server: ${reason}. Name a PEM file in mail.ca.`, {
      cause,
    })
  }
}

/** One JSON line for programs, one line for people, as the banner. */
function print(kept: KeptMail): void {
  const { to, subject, file, code } = kept
  const forPeople = `  Mail to ${to}: ${subject}${code === undefined ? '' : ` (${code})`} in ${file}`
  const line = process.stdout.isTTY ? forPeople : JSON.stringify({ event: 'mail', ...kept })
  process.stdout.write(`${line}\n`)
}
