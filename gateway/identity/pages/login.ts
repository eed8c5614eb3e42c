import { spokenDuration } from '../../error-page.ts'
import { escapeHtml, type Language, renderPage } from '../../page.ts'

/** Why the form comes back. */
export type LoginProblem =
  | { readonly kind: 'refused' }
  | { readonly kind: 'limited'; readonly retryAfterSeconds: number }
  | { readonly kind: 'unavailable' }
  /** A field is missing or too long. */
  | { readonly kind: 'incomplete' }

export interface LoginPage {
  readonly language: Language
  /** What was typed; the password never comes back. */
  readonly email: string
  /** An own path, checked, or null for the home page. */
  readonly returnTo: string | null
  readonly problem: LoginProblem | null
}

const words = {
  fr: {
    title: 'Se connecter',
    intro: 'Connectez-vous pour accéder aux services.',
    email: 'Adresse e-mail',
    password: 'Mot de passe',
    submit: 'Se connecter',
    refused: 'Cette adresse et ce mot de passe ne correspondent à aucun compte actif.',
    limited: (wait: string) => `Trop de tentatives. Réessayez dans ${wait}.`,
    unavailable: 'La connexion est indisponible un instant. Réessayez dans quelques secondes.',
    incomplete: 'Saisissez votre adresse e-mail et votre mot de passe.',
  },
  en: {
    title: 'Log in',
    intro: 'Log in to use the services.',
    email: 'E-mail address',
    password: 'Password',
    submit: 'Log in',
    refused: 'This e-mail and this password match no active account.',
    limited: (wait: string) => `Too many attempts. Try again in ${wait}.`,
    unavailable: 'Logging in is unavailable for a moment. Try again in a few seconds.',
    incomplete: 'Enter your e-mail address and your password.',
  },
} as const

/** The login form. It works without a script and with the keyboard alone. */
export function renderLoginPage({ language, email, returnTo, problem }: LoginPage): string {
  const word = words[language]
  const pageIn = (other: Language): string =>
    `/auth/login?${new URLSearchParams({ lang: other, ...(returnTo === null ? {} : { return_to: returnTo }) })}`
  const described = problem === null ? '' : ' aria-describedby="problem"'
  const blame = problem?.kind === 'refused' ? ` aria-invalid="true"${described}` : described
  // The eye and the screen reader land where the next key has to be struck.
  const [emailFocus, passwordFocus] = email === '' ? [' autofocus', ''] : ['', ' autofocus']
  return renderPage({
    language,
    title: word.title,
    languageLinks: { fr: pageIn('fr'), en: pageIn('en') },
    body: `<h1>${word.title}</h1>
<p class="fine">${word.intro}</p>
${problem === null ? '' : `<p class="alert" role="alert" id="problem">${escapeHtml(sentenceOf(problem, language))}</p>`}
<form method="post" action="/auth/login">
<input type="hidden" name="lang" value="${language}">
${returnTo === null ? '' : `<input type="hidden" name="return_to" value="${escapeHtml(returnTo)}">`}
<div class="field"><label for="email">${word.email}</label>
<input id="email" name="email" type="email" inputmode="email" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="254" value="${escapeHtml(email)}"${blame}${emailFocus}></div>
<div class="field"><label for="password">${word.password}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="1024"${blame}${passwordFocus}></div>
<button type="submit">${word.submit}</button>
</form>`,
  })
}

function sentenceOf(problem: LoginProblem, language: Language): string {
  const word = words[language]
  return problem.kind === 'limited'
    ? word.limited(spokenDuration(problem.retryAfterSeconds))
    : word[problem.kind]
}
