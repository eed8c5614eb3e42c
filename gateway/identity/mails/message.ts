import type { Mail, Recipient } from './mail.ts'
import { renderMail } from './render-mail.ts'

export interface Letter {
  readonly to: Recipient
  readonly mail: Mail
  /** Stays through all attempts, so that mailboxes can tell a second delivery from a second mail. */
  readonly id: string
  readonly writtenAt: Date
}

/**
 * The message as nodemailer takes it. Of what people typed only the recipient's address stands in a header, and that
 * has been through `email.ts`; as an object, it is one address whatever it looks like.
 *
 * @param from a mailbox: `name@domain` or `Name <name@domain>`
 */
export function messageOf({ to, mail, id, writtenAt }: Letter, from: string) {
  return {
    ...renderMail(to, mail),
    from,
    to: { name: '', address: to.email },
    messageId: `<${id}@${domainOf(from)}>`,
    date: writtenAt,
    headers: {
      // RFC 3834: no holiday notice in return.
      'Auto-Submitted': 'auto-generated',
      'Content-Language': to.language,
    },
    // Readable as it is written, unlike base64.
    textEncoding: 'quoted-printable',
    disableFileAccess: true,
    disableUrlAccess: true,
  } as const
}

const domainOf = (mailbox: string): string => /@([^@>]+)>?$/.exec(mailbox)?.[1] ?? 'localhost'
