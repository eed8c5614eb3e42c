import type { Language } from '../../page.ts'
import {
  type FormProblem,
  fieldAttributes,
  renderFormPage,
  renderLink,
  type Saying,
  sayProblem,
} from './form.ts'

export interface ActivatePage {
  readonly language: Language
  readonly email: string
  /** Six digits, or empty. */
  readonly code: string
  /** An own path, checked, or null for the home page. */
  readonly returnTo: string | null
  /** A mail was asked for just now. */
  readonly wasSent: boolean
  readonly problem: FormProblem | { readonly kind: 'wrong' } | { readonly kind: 'address' } | null
}

const words = {
  fr: {
    title: 'Activer le compte',
    typeIntro:
      'Saisissez le code à 6 chiffres reçu par e\u2011mail. Il arrive dans la minute\u00a0; regardez aussi parmi les indésirables.',
    pressIntro: (email: string) =>
      `Vous créez le compte de ${email}. Si vous ne l’avez pas demandé, ou si le prénom de l’e\u2011mail n’est pas le vôtre, fermez cette page.`,
    email: 'Adresse e-mail',
    code: 'Code à 6 chiffres',
    submit: 'Activer le compte',
    again: 'Recevoir un autre code',
    sent: 'Si une inscription attend à cette adresse, un nouvel e\u2011mail est en route. Seul le dernier code est valable.',
    wrong: 'Ce code est faux, a déjà servi ou a expiré. Vérifiez-le, ou demandez-en un autre.',
    address: 'Saisissez l’adresse e\u2011mail de votre inscription.',
    start: 'Recommencer l’inscription',
    logIn: 'Se connecter',
  },
  en: {
    title: 'Activate the account',
    typeIntro:
      'Enter the 6-digit code from the e\u2011mail. It comes within a minute; look among the spam too.',
    pressIntro: (email: string) =>
      `You are creating the account of ${email}. If you did not ask for it, or if the first name in the e\u2011mail is not yours, close this page.`,
    email: 'E-mail address',
    code: '6-digit code',
    submit: 'Activate the account',
    again: 'Send me another code',
    sent: 'If a registration waits at this address, a new e\u2011mail is on its way. Only the latest code is good.',
    wrong: 'This code is wrong, was used before, or has expired. Check it, or ask for another one.',
    address: 'Enter the e\u2011mail address of your registration.',
    start: 'Register again',
    logIn: 'Log in',
  },
} as const

/** The link of the mail leads here with both fields filled in: looking spends nothing, the button does. */
export function renderActivatePage(page: ActivatePage): string {
  const { language, email, code, returnTo, problem } = page
  const word = words[language]
  const kept = returnTo === null ? {} : { return_to: returnTo }
  return renderFormPage({
    language,
    title: word.title,
    intro: email !== '' && code !== '' ? word.pressIntro(email) : word.typeIntro,
    saying: sayingOf(page),
    path: '/auth/activate',
    kept,
    fields: [
      {
        name: 'email',
        label: word.email,
        attributes: fieldAttributes.email,
        value: email,
        ...(problem?.kind === 'address' && { problem: word.address }),
      },
      {
        name: 'code',
        label: word.code,
        attributes: fieldAttributes.code,
        value: code,
        ...(problem?.kind === 'wrong' && { problem: word.wrong }),
      },
    ],
    submit: word.submit,
    // The same form, so that the address need not be typed twice; the code is not asked for.
    more: `<button class="second" type="submit" formaction="/auth/activate/resend" formnovalidate>${word.again}</button>`,
    after: `<p class="fine">${renderLink('/auth/register', kept, word.start)} · ${renderLink('/auth/login', kept, word.logIn)}</p>`,
  })
}

function sayingOf({ problem, wasSent, language }: ActivatePage): Saying | null {
  if (problem === null) return wasSent ? { kind: 'notice', sentence: words[language].sent } : null
  return problem.kind === 'wrong' || problem.kind === 'address' ? null : sayProblem(problem, language)
}
