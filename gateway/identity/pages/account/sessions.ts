import { escapeHtml, type Language } from '../../../page.ts'
import type { ListedSession } from '../../sessions.ts'
import { renderHidden } from '../form.ts'

export interface SessionsSection {
  readonly language: Language
  /** The one opened last first. */
  readonly sessions: readonly ListedSession[]
  /** The one that asks. */
  readonly currentId: string
}

const words = {
  fr: {
    title: 'Mes sessions',
    intro: 'Les appareils sur lesquels votre compte est ouvert.',
    device: 'Appareil inconnu',
    current: 'cette session',
    address: 'Adresse',
    seen: 'Dernière activité',
    opened: 'Ouverte',
    unknown: 'inconnue',
    end: 'Terminer',
    endOthers: 'Terminer toutes les autres sessions',
  },
  en: {
    title: 'My sessions',
    intro: 'The devices on which your account is open.',
    device: 'Unknown device',
    current: 'this session',
    address: 'Address',
    seen: 'Last seen',
    opened: 'Opened',
    unknown: 'unknown',
    end: 'End',
    endOthers: 'End all other sessions',
  },
} as const

export function renderSessions({ language, sessions, currentId }: SessionsSection): string {
  const word = words[language]
  const items = sessions.map((session, i) =>
    renderSession(session, i, session.sessionId === currentId, language),
  )
  const hasOthers = sessions.some(({ sessionId }) => sessionId !== currentId)
  return `<section aria-labelledby="sessions">
<h2 id="sessions">${word.title}</h2>
<p class="fine">${word.intro}</p>
<ul class="sessions">
${items.join('\n')}
</ul>
${hasOthers ? renderButton('end-others', { lang: language }, word.endOthers) : ''}
</section>`
}

function renderSession(session: ListedSession, i: number, isCurrent: boolean, language: Language): string {
  const word = words[language]
  const { sessionId, device, address, lastSeenAtMs, openedAtMs } = session
  const mark = isCurrent ? ` <span class="mark">${word.current}</span>` : ''
  // One's own is ended by logging out, which takes the cookies back too.
  const button = isCurrent
    ? ''
    : renderButton('end', { lang: language, id: sessionId }, word.end, `session-${i}`)
  return `<li><div id="session-${i}"><strong>${escapeHtml(device ?? word.device)}</strong>${mark}
<dl class="fine">
<div><dt>${word.address}</dt><dd>${escapeHtml(address ?? word.unknown)}</dd></div>
<div><dt>${word.seen}</dt><dd>${renderTime(lastSeenAtMs, language)}</dd></div>
<div><dt>${word.opened}</dt><dd>${renderTime(openedAtMs, language)}</dd></div>
</dl></div>
${button}</li>`
}

/** @param described the id of what the button is about, where its own words do not say */
function renderButton(
  action: 'end' | 'end-others',
  hidden: Readonly<Record<string, string>>,
  text: string,
  described?: string,
): string {
  const description = described === undefined ? '' : ` aria-describedby="${described}"`
  return `<form method="post" action="/auth/account/sessions/${action}">
${renderHidden(hidden)}
<button type="submit" class="second"${description}>${text}</button></form>`
}

function renderTime(atMs: number, language: Language): string {
  const said = new Intl.DateTimeFormat(language === 'fr' ? 'fr-FR' : 'en-GB', {
    dateStyle: 'medium',
    timeStyle: 'short',
    timeZone: 'UTC',
  }).format(atMs)
  return `<time datetime="${new Date(atMs).toISOString()}">${said} UTC</time>`
}
