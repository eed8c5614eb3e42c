import type { ConfigDraft } from '../draft.ts'
import { maskUrl } from '../mask.ts'
import type { Finding } from '../problem.ts'

export function checkMail({ mail }: ConfigDraft): Finding[] {
  const { smtp, outbox, ca } = mail ?? {}
  return [...checkOneWay(smtp, outbox), ...checkServer(smtp), ...checkAuthority(smtp, ca)]
}

function checkOneWay(smtp: string | undefined, outbox: string | undefined): Finding[] {
  if (!smtp || !outbox) return []
  const message = 'mails are to be sent by mail.smtp and kept in mail.outbox'
  return [{ path: ['mail', 'outbox'], otherPath: ['mail', 'smtp'], message, cure: 'remove one of them' }]
}

/** Nothing after the port: options there could turn the check of the certificate off. */
function checkServer(smtp: string | undefined): Finding[] {
  if (!smtp) return []
  const url = URL.canParse(smtp) ? new URL(smtp) : undefined
  if (url?.hostname && /^\/?$/.test(url.pathname) && !url.search && !url.hash) return []
  const cure =
    'write smtp://USER:PASSWORD@HOST:587 and nothing after it, and / @ # ? : in a password as %2F %40 %23 %3F %3A'
  return [
    {
      path: ['mail', 'smtp'],
      value: JSON.stringify(maskUrl(smtp)),
      message: 'not the URL of a mail server',
      cure,
    },
  ]
}

function checkAuthority(smtp: string | undefined, ca: string | undefined): Finding[] {
  if (!ca || smtp !== '') return []
  const message = 'an authority for a mail server, and none is named'
  return [{ path: ['mail', 'ca'], value: JSON.stringify(ca), message, cure: 'set mail.smtp, or remove it' }]
}
