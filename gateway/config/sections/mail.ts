import Type from 'typebox'
import { Section } from '../keys.ts'

const address = '[^\\s<>@,;:"()\\[\\]\\\\]+@[^\\s<>@,;:"()\\[\\]\\\\]+'
const mailbox = `^$|^${address}$|^[^<>@,;:"()\\[\\]\\\\\\r\\n]+ <${address}>$`

export const mail = Section(
  {
    smtp: Type.String({
      description:
        'Server that takes the mails: `smtp://USER:PASSWORD@HOST:587`, with STARTTLS when the server offers it and always when there is a password, or `smtps://USER:PASSWORD@HOST:465`. Its certificate is verified. Empty: none.',
      default: '',
      pattern: '^$|^smtps?://',
      'x-expected': 'a mail server',
      'x-cure': 'write smtp://USER:PASSWORD@HOST:587 or smtps://USER:PASSWORD@HOST:465',
      'x-secret': 'url',
    }),
    ca: Type.Optional(
      Type.String({
        description: 'PEM file of the authority that signed the certificate of the mail server.',
        'x-default': 'the authorities Node trusts',
      }),
    ),
    from: Type.String({
      description: 'Sender of the mails: `NAME@DOMAIN` or `Name <NAME@DOMAIN>`.',
      default: '',
      'x-default': '`Guichet <no-reply@HOST>`, of `listen.publicUrl`',
      pattern: mailbox,
      'x-expected': 'a mailbox',
      'x-cure': 'write no-reply@example.org or Guichet <no-reply@example.org>',
    }),
    outbox: Type.String({
      description:
        'Directory in which mails are written instead of sent, each printed with its code: for trying things out. Empty: none.',
      default: '',
    }),
  },
  {
    description:
      'Mails to people. With neither `smtp` nor `outbox` none is sent: nobody can register, set a forgotten password or change an e-mail.',
    default: {},
  },
)
