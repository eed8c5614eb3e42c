import type { Language } from '../../page.ts'
import { type FormProblem, fieldAttributes, renderFormPage, renderLink, sayProblem } from './form.ts'

export interface ForgotPage {
  readonly language: Language
  readonly email: string
  readonly problem: FormProblem | { readonly kind: 'address' } | null
}

const words = {
  fr: {
    title: 'Mot de passe oublié',
    intro: 'Nous vous enverrons un code pour en choisir un nouveau.',
    email: 'Adresse e-mail de votre compte',
    submit: 'Recevoir le code',
    address: 'Saisissez une adresse comme nom@exemple.org.',
    back: 'Retour à la connexion',
  },
  en: {
    title: 'Forgotten password',
    intro: 'We will send you a code to choose a new one.',
    email: 'E-mail address of your account',
    submit: 'Send me the code',
    address: 'Enter an address such as name@example.org.',
    back: 'Back to the login page',
  },
} as const

export function renderForgotPage({ language, email, problem }: ForgotPage): string {
  const word = words[language]
  return renderFormPage({
    language,
    title: word.title,
    intro: word.intro,
    saying: problem === null || problem.kind === 'address' ? null : sayProblem(problem, language),
    path: '/auth/forgot',
    kept: {},
    fields: [
      {
        name: 'email',
        label: word.email,
        attributes: fieldAttributes.email,
        value: email,
        ...(problem?.kind === 'address' && { problem: word.address }),
      },
    ],
    submit: word.submit,
    after: `<p class="fine">${renderLink('/auth/login', {}, word.back)}</p>`,
  })
}
