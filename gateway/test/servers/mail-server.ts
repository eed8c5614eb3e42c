import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import type { Certificate } from '../proxying/certificates.ts'
import { freePort } from './free-port.ts'

export interface ReceivedMail {
  /** Of the envelope: where it really went. */
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
  readonly html: string
  /** Six digits alone on a line of the text. */
  readonly code: string | undefined
  /** The first address in the text. */
  readonly link: string | undefined
  readonly parsed: Email
  /** As it came over the wire. */
  readonly raw: string
}

export interface MailServer extends AsyncDisposable {
  /** `smtp://127.0.0.1:PORT`, or `smtps://` of a server that is `secure`. */
  readonly url: string
  readonly port: number
  readonly received: readonly ReceivedMail[]
  /** User names that logged in, in order. */
  readonly logins: readonly string[]
  /** How many connections have become secure. */
  readonly secured: number
  /** The oldest mail to this address that no earlier call gave. @throws Error after 5 s without one. */
  waitForMailTo(email: string): Promise<ReceivedMail>
  /** Closes the port and every connection; `start` opens the same port again. */
  stop(): Promise<void>
  start(): Promise<void>
}

export interface MailServerOptions {
  /** Offers STARTTLS with this certificate; none without. */
  readonly certificate?: Certificate
  /** Speaks TLS from the first byte. */
  readonly secure?: boolean
  /** Refuses mails of those who have not logged in so. */
  readonly login?: { readonly user: string; readonly password: string }
  /** What it says to each recipient instead of taking the mail. */
  readonly refuse?: (email: string) => { readonly status: number; readonly words: string } | null
}

/** A real SMTP server on a free loopback port, which keeps every mail in memory. */
export async function startMailServer(options: MailServerOptions = {}): Promise<MailServer> {
  const received: ReceivedMail[] = []
  const given = new Set<ReceivedMail>()
  const logins: string[] = []
  let secured = 0
  const serverOptions: SMTPServerOptions = {
    ...optionsFor(options, received, logins),
    onSecure(_socket, _session, callback) {
      secured += 1
      callback(null)
    },
  }
  const { port, server } = await listenOnFreePort(serverOptions)
  let running: SMTPServer | undefined = server

  const stop = async () => {
    const stopping = running
    running = undefined
    if (stopping !== undefined) await new Promise<void>((resolve) => stopping.close(resolve))
  }
  return {
    url: `smtp${options.secure ? 's' : ''}://127.0.0.1:${port}`,
    port,
    received,
    logins,
    get secured() {
      return secured
    },
    async waitForMailTo(email) {
      const deadlineMs = performance.now() + 5_000
      while (performance.now() < deadlineMs) {
        const mail = received.find((candidate) => !given.has(candidate) && candidate.to.includes(email))
        if (mail !== undefined) {
          given.add(mail)
          return mail
        }
        await sleep(10)
      }
      const others = received.map(({ to, subject }) => `${to.join()}: ${subject}`).join('\n')
      throw new Error(`no mail to ${email} within 5 s; these came:\n${others}`)
    },
    stop,
    async start() {
      await stop()
      running = await listen(serverOptions, port)
    },
    [Symbol.asyncDispose]: stop,
  }
}

function optionsFor(
  { certificate, secure = false, login, refuse }: MailServerOptions,
  received: ReceivedMail[],
  logins: string[],
): SMTPServerOptions {
  return {
    ...certificate,
    secure,
    disabledCommands: [...(certificate ? [] : ['STARTTLS']), ...(login ? [] : ['AUTH'])],
    // A mail server of one's own network may take a password in clear text.
    allowInsecureAuth: certificate === undefined,
    disableReverseLookup: true,
    closeTimeout: 1,
    onAuth({ username, password }, _session, callback) {
      const isRight = username === login?.user && password === login?.password
      if (isRight) logins.push(String(username))
      callback(isRight ? null : new Error('wrong user name or password'), { user: username })
    },
    onRcptTo({ address }, _session, callback) {
      const refused = refuse?.(address)
      callback(refused ? Object.assign(new Error(refused.words), { responseCode: refused.status }) : null)
    },
    async onData(stream, { envelope }, callback) {
      const raw = await buffer(stream)
      const mail = await read(
        raw,
        envelope.rcptTo.map(({ address }) => address),
      )
      received.push(mail)
      callback(null)
    },
  }
}

async function read(raw: Buffer, to: string[]): Promise<ReceivedMail> {
  const parsed = await PostalMime.parse(raw)
  const text = parsed.text ?? ''
  return {
    to,
    subject: parsed.subject ?? '',
    text,
    html: parsed.html ?? '',
    code: /^\s*(\d{6})\s*$/m.exec(text)?.[1],
    link: /https?:\/\/\S+/.exec(text)?.[0],
    parsed,
    raw: raw.toString('latin1'),
  }
}

async function listenOnFreePort(
  options: SMTPServerOptions,
  attempts = 5,
): Promise<{ port: number; server: SMTPServer }> {
  const port = await freePort()
  try {
    return { port, server: await listen(options, port) }
  } catch (error) {
    // Someone took the port between the probe and the bind.
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || attempts === 1) throw error
    return listenOnFreePort(options, attempts - 1)
  }
}

async function listen(options: SMTPServerOptions, port: number): Promise<SMTPServer> {
  const server = new SMTPServer(options)
  // Connections that break are what some tests are about.
  server.on('error', () => undefined)
  const { server: socket } = server
  server.listen(port, '127.0.0.1')
  await once(socket, 'listening')
  return server
}
