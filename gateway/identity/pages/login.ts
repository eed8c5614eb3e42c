import { escapeHtml, type Language, renderPage } from '../../page.ts'
import { type FormProblem, renderLink, renderSaying, type Saying, sayProblem } from './form.ts'

/** What went well before, and sent the person here. */
export type LoginNotice = 'activated' | 'password-changed' | 'deleted'

export const isLoginNotice = (value: unknown): value is LoginNotice =>
  value === 'activated' || value === 'password-changed' || value === 'deleted'

export interface LoginPage {
  readonly language: Language
  /** What was typed; the password never comes back. */
  readonly email: string
  /** An own path, checked, or null for the home page. */
  readonly returnTo: string | null
  /** What can be done here by whoever cannot log in. */
  readonly offers: { readonly registration: boolean; readonly newPassword: boolean }
  readonly notice: LoginNotice | null
  readonly problem: FormProblem | { readonly kind: 'refused' } | null
}

const words = {
  fr: {
    title: 'Se connecter',
    intro: 'Connectez-vous pour accéder aux services.',
    email: 'Adresse e-mail',
    password: 'Mot de passe',
    submit: 'Se connecter',
    refused: 'Cette adresse et ce mot de passe ne correspondent à aucun compte actif.',
    incomplete: 'Saisissez votre adresse e-mail et votre mot de passe.',
    activated: 'Votre compte est activé. Connectez-vous.',
    'password-changed': 'Votre mot de passe est changé. Connectez-vous avec le nouveau.',
    deleted: 'Votre compte est supprimé.',
    register: 'Créer un compte',
    forgot: 'Mot de passe oublié\u00a0?',
  },
  en: {
    title: 'Log in',
    intro: 'Log in to use the services.',
    email: 'E-mail address',
    password: 'Password',
    submit: 'Log in',
    refused: 'This e-mail and this password match no active account.',
    incomplete: 'Enter your e-mail address and your password.',
    activated: 'Your account is activated. Log in.',
    'password-changed': 'Your password is changed. Log in with the new one.',
    deleted: 'Your account is deleted.',
    register: 'Create an account',
    forgot: 'Forgotten your password?',
  },
} as const

/** The login form. It works without a script and with the keyboard alone. */
export function renderLoginPage(page: LoginPage): string {
  const { language, email, returnTo, problem } = page
  const word = words[language]
  const kept = returnTo === null ? {} : { return_to: returnTo }
  const pageIn = (lang: Language): string => `/auth/login?${new URLSearchParams({ lang, ...kept })}`
  const saying = sayingOf(page)
  const described = saying?.kind === 'alert' ? ' aria-describedby="saying"' : ''
  const blame = problem?.kind === 'refused' ? ` aria-invalid="true"${described}` : described
  // The eye and the screen reader land where the next key has to be struck.
  const [emailFocus, passwordFocus] = email === '' ? [' autofocus', ''] : ['', ' autofocus']
  return renderPage({
    language,
    title: word.title,
    languageLinks: { fr: pageIn('fr'), en: pageIn('en') },
    body: `<h1>${word.title}</h1>
<p class="fine">${word.intro}</p>
${saying === null ? '' : renderSaying(saying)}
<form method="post" action="/auth/login">
<input type="hidden" name="lang" value="${language}">
${returnTo === null ? '' : `<input type="hidden" name="return_to" value="${escapeHtml(returnTo)}">`}
<div class="field"><label for="email">${word.email}</label>
<input id="email" name="email" type="email" inputmode="email" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="254" value="${escapeHtml(email)}"${blame}${emailFocus}></div>
<div class="field"><label for="password">${word.password}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="1024"${blame}${passwordFocus}></div>
<button type="submit">${word.submit}</button>
</form>
${renderOffers(page, kept)}`,
  })
}

function renderOffers(
  { offers, email, language }: LoginPage,
  kept: Readonly<Record<string, string>>,
): string {
  const word = words[language]
  const links = [
    ...(offers.registration ? [renderLink('/auth/register', kept, word.register)] : []),
    ...(offers.newPassword ? [renderLink('/auth/forgot', email === '' ? {} : { email }, word.forgot)] : []),
  ]
  return links.length === 0 ? '' : `<p class="fine">${links.join(' · ')}</p>`
}

function sayingOf({ problem, notice, language }: LoginPage): Saying | null {
  const word = words[language]
  if (problem === null) return notice === null ? null : { kind: 'notice', sentence: word[notice] }
  switch (problem.kind) {
    case 'refused':
    case 'incomplete':
      return { kind: 'alert', sentence: word[problem.kind] }
    default:
      return sayProblem(problem, language)
  }
}
