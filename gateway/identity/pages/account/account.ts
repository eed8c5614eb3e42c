import { escapeHtml, type Language, renderPage } from '../../../page.ts'
import type { Account } from '../../account.ts'
import type { ListedSession } from '../../sessions.ts'
import { renderHidden } from '../form.ts'
import { renderChanges } from './changes.ts'
import type { RefusedFold } from './fold.ts'
import { renderSessions } from './sessions.ts'

/** What was done just now. `again`: nothing was, since the session had to be renewed first. */
export type AccountNotice = 'name' | 'email' | 'password' | 'session' | 'sessions' | 'again'

export interface OwnPart {
  readonly account: Account
  readonly sessions: readonly ListedSession[]
  readonly currentId: string
  readonly sendsMails: boolean
  readonly refused: RefusedFold | null
}

export interface AccountPage {
  readonly language: Language
  /** Null for a caller whom another issuer knows: there is nothing of theirs here but the calls. */
  readonly own: OwnPart | null
  /** HTML that loads what the section needs, and the section. */
  readonly quota: { readonly head: string; readonly html: string }
  readonly notice: AccountNotice | null
}

const words = {
  fr: {
    title: 'Mon compte',
    email: 'Adresse e-mail',
    name: 'Nom',
    logOut: 'Se déconnecter',
    elsewhere: 'Votre compte est tenu par un autre service. Ici ne se voient que vos appels.',
    delete: 'Supprimer mon compte',
    home: 'Retour à l’accueil',
    notices: {
      name: 'Votre nom est changé.',
      email: 'Votre adresse e\u2011mail est changée.',
      password: 'Votre mot de passe est changé. Vos autres sessions ont pris fin.',
      session: 'La session a pris fin.',
      sessions: 'Toutes vos autres sessions ont pris fin.',
      again: 'Rien n’est encore changé\u00a0: votre session a dû être renouvelée. Recommencez.',
    },
  },
  en: {
    title: 'My account',
    email: 'E-mail address',
    name: 'Name',
    logOut: 'Log out',
    elsewhere: 'Your account is kept by another service. Only your calls are shown here.',
    delete: 'Delete my account',
    home: 'Back to the home page',
    notices: {
      name: 'Your name is changed.',
      email: 'Your e\u2011mail address is changed.',
      password: 'Your password is changed. Your other sessions have ended.',
      session: 'The session has ended.',
      sessions: 'All your other sessions have ended.',
      again: 'Nothing is changed yet: your session had to be renewed. Please do it again.',
    },
  },
} as const

export const isAccountNotice = (value: unknown): value is AccountNotice =>
  typeof value === 'string' && Object.hasOwn(words.en.notices, value)

/** All about one's account. Complete without a script; that of the quota keeps its part true. */
export function renderAccountPage({ language, own, quota, notice }: AccountPage): string {
  const word = words[language]
  const body =
    own === null
      ? `<p class="fine">${word.elsewhere}</p>\n${quota.html}`
      : `${renderProfile(own.account, language)}
${quota.html}
${renderSessions({ ...own, language })}
${renderChanges({ ...own, language })}`
  const deletion = own === null ? '' : ` · <a href="/auth/account/delete">${word.delete}</a>`
  return renderPage({
    language,
    title: word.title,
    head: quota.head,
    isWide: true,
    languageLinks: { fr: '/auth/account?lang=fr', en: '/auth/account?lang=en' },
    body: `<h1>${word.title}</h1>
${notice === null ? '' : renderNotice(word.notices[notice])}
${body}
<p class="end"><a href="/">${word.home}</a>${deletion}</p>`,
  })
}

/** Has the focus, so that it is what the eye and the screen reader meet first. */
const renderNotice = (sentence: string): string =>
  `<p class="notice" role="status" tabindex="-1" autofocus>${sentence}</p>`

function renderProfile({ firstName, lastName, email }: Account, language: Language): string {
  const word = words[language]
  return `<div class="profile"><dl>
<div><dt>${word.name}</dt><dd>${escapeHtml(`${firstName} ${lastName}`)}</dd></div>
<div><dt>${word.email}</dt><dd>${escapeHtml(email)}</dd></div>
</dl>
<form method="post" action="/auth/logout">
${renderHidden({ lang: language })}
<button type="submit" class="second">${word.logOut}</button></form></div>`
}
