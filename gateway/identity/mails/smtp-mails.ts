import { randomUUID } from 'node:crypto'
import { createTransport } from 'nodemailer'
import type { Mails } from './mail.ts'
import {
  createMailQueue,
  type DeliveryFailure,
  type MailQueueEvent,
  type MailQueueOptions,
} from './mail-queue.ts'
import { type Letter, messageOf } from './message.ts'

export interface SmtpMailsOptions {
  /** `smtp://user:password@host:port` or `smtps://…`, without anything after the port. */
  readonly url: string
  /** A mailbox: `name@domain` or `Name <name@domain>`. */
  readonly from: string
  /** PEM of the authority that signed the server's certificate; null for those Node trusts. */
  readonly ca: string | null
  /** For operators: no code, no link, no recipient. */
  readonly warn: (fields: Readonly<Record<string, unknown>>, sentence: string) => void
  readonly queue?: Pick<
    MailQueueOptions<Letter>,
    'mostLetters' | 'firstPauseMs' | 'longestPauseMs' | 'giveUpAfterMs'
  >
}

export interface SmtpMails extends Mails {
  /** Delivers what waits; what is left at the deadline is logged as lost. */
  close(deadlineMs: number): Promise<void>
}

/** For connecting, for the greeting, and for each answer. */
const answerTimeoutMs = 10_000
/** For a whole delivery: a server that dribbles answers each time. */
const deliveryTimeoutMs = 30_000

/** Mails by way of an SMTP server, whose certificate is verified wherever there is TLS. */
export function createSmtpMails({ url, from, ca, warn, queue: limits }: SmtpMailsOptions): SmtpMails {
  const { hostname, host, protocol, port, username, password } = new URL(url)
  const isSecure = protocol === 'smtps:'
  const hasLogin = username !== ''
  const transport = createTransport({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || (isSecure ? 465 : 25),
    secure: isSecure,
    // A password never travels in clear text, whatever somebody in between makes of the server's greeting.
    requireTLS: hasLogin,
    ...(hasLogin && { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
    tls: { minVersion: 'TLSv1.2', ...(ca !== null && { ca }) },
    connectionTimeout: answerTimeoutMs,
    greetingTimeout: answerTimeoutMs,
    socketTimeout: answerTimeoutMs,
    dnsTimeout: answerTimeoutMs,
  })
  const queue = createMailQueue<Letter>({
    ...limits,
    async deliver(letter, stop) {
      const signal = AbortSignal.any([stop, AbortSignal.timeout(deliveryTimeoutMs)])
      await transport.sendMail({ ...messageOf(letter, from), signal })
    },
    judge,
    onEvent: (event) => warn(...wordsFor(event, host)),
  })
  return {
    send: (to, mail) => queue.push({ to, mail, id: randomUUID(), writtenAt: new Date() }),
    async close(deadlineMs) {
      const left = await queue.close(deadlineMs)
      if (left > 0) warn({ lost: left }, 'mails that could not be sent before the end')
    },
  }
}

/** What nodemailer rejects with. */
interface SmtpError {
  readonly code?: string
  readonly responseCode?: number
  readonly message?: string
}

/** 5xx of sender, recipient or message is for good (RFC 5321 §4.2.1); a refused login may be cured on the server. */
function judge(error: unknown): DeliveryFailure {
  const { code, responseCode = 0 } = error as SmtpError
  if (code !== 'EENVELOPE' && code !== 'EMESSAGE') return 'server-away'
  return responseCode >= 500 ? 'letter-refused' : 'letter-put-off'
}

function wordsFor(event: MailQueueEvent, host: string): Parameters<SmtpMailsOptions['warn']> {
  switch (event.kind) {
    case 'away':
      return [fieldsOf(event.error), `mails wait: ${cureOf(event.error, host)}`]
    case 'back':
      return [{}, `the mail server ${host} takes mails again`]
    case 'lost':
      return [fieldsOf(event.error), `a mail is lost: ${cureOf(event.error, host)}`]
    case 'full':
      return [{}, `too many mails wait, and new ones are lost. Check that the mail server ${host} keeps up.`]
  }
}

/** Never the server's words: they may repeat what was sent. */
const fieldsOf = (error: unknown): Readonly<Record<string, unknown>> => {
  const { code, responseCode } = error as SmtpError
  return { code, status: responseCode }
}

function cureOf(error: unknown, host: string): string {
  const { code, message = '' } = error as SmtpError
  if (code === 'EAUTH')
    return `the mail server ${host} refuses the login. Correct user and password in mail.smtp.`
  if (code === 'EENVELOPE' || code === 'EMESSAGE')
    return `the mail server ${host} refuses it. Its log says why; it may not know mail.from.`
  if (/certificate|altnames|self-signed/i.test(message))
    return `the certificate of the mail server ${host} cannot be verified. Correct the host in mail.smtp, or name its authority in mail.ca.`
  if (code === 'ETLS')
    return `no secure connection with the mail server ${host}. Let it offer STARTTLS, or write smtps:// in mail.smtp.`
  return `the mail server ${host} does not answer. Check that it runs and can be reached, or correct mail.smtp.`
}
