import type { Language } from '../../page.ts'
import { type FormProblem, fieldAttributes, renderFormPage, renderLink, sayProblem } from './form.ts'

export type RegisterField = 'firstName' | 'lastName' | 'email' | 'password'

export interface RegisterPage {
  readonly language: Language
  /** What was typed; the password never comes back. */
  readonly typed: Readonly<Record<Exclude<RegisterField, 'password'>, string>>
  /** An own path, checked, or null for the home page. */
  readonly returnTo: string | null
  /** `fields`: those that the rules refuse. */
  readonly problem:
    | FormProblem
    | { readonly kind: 'fields'; readonly fields: readonly RegisterField[] }
    | null
}

const words = {
  fr: {
    title: 'Créer un compte',
    intro: 'Nous vous enverrons un e\u2011mail avec un code pour activer le compte.',
    firstName: 'Prénom',
    lastName: 'Nom',
    email: 'Adresse e-mail',
    password: 'Mot de passe',
    passwordHint: '8 caractères au moins. Une phrase courte fait un bon mot de passe.',
    submit: 'Créer le compte',
    known: 'Vous avez déjà un compte\u00a0?',
    logIn: 'Se connecter',
    fields: 'Corrigez les champs signalés.',
    problems: {
      firstName: 'Saisissez un prénom, de 100 caractères au plus.',
      lastName: 'Saisissez un nom, de 100 caractères au plus.',
      email: 'Saisissez une adresse comme nom@exemple.org, sans espace ni accent avant @.',
      password:
        'Choisissez 8 caractères ou plus : ni l’un des mots de passe les plus courants, ni votre nom, ni votre adresse.',
    },
  },
  en: {
    title: 'Create an account',
    intro: 'We will send you an e\u2011mail with a code to activate the account.',
    firstName: 'First name',
    lastName: 'Last name',
    email: 'E-mail address',
    password: 'Password',
    passwordHint: 'At least 8 characters. A short phrase makes a good password.',
    submit: 'Create the account',
    known: 'You have an account already?',
    logIn: 'Log in',
    fields: 'Correct the fields that are marked.',
    problems: {
      firstName: 'Enter a first name of 100 characters at most.',
      lastName: 'Enter a last name of 100 characters at most.',
      email: 'Enter an address such as name@example.org, without spaces or accents before the @.',
      password:
        'Choose 8 characters or more: not one of the most common passwords, nor your name or address.',
    },
  },
} as const

export function renderRegisterPage({ language, typed, returnTo, problem }: RegisterPage): string {
  const word = words[language]
  const kept = returnTo === null ? {} : { return_to: returnTo }
  const refused = problem?.kind === 'fields' ? problem.fields : []
  const field = (name: RegisterField, attributes: string) => ({
    name,
    label: word[name],
    attributes,
    ...(name === 'password' ? { hint: word.passwordHint } : { value: typed[name] }),
    ...(refused.includes(name) && { problem: word.problems[name] }),
  })
  return renderFormPage({
    language,
    title: word.title,
    intro: word.intro,
    saying: sayingOf(problem, language),
    path: '/auth/register',
    kept,
    fields: [
      field('firstName', fieldAttributes.firstName),
      field('lastName', fieldAttributes.lastName),
      field('email', fieldAttributes.email),
      field('password', fieldAttributes.newPassword),
    ],
    submit: word.submit,
    after: `<p class="fine">${word.known} ${renderLink('/auth/login', kept, word.logIn)}</p>`,
  })
}

function sayingOf(problem: RegisterPage['problem'], language: Language) {
  if (problem === null) return null
  return problem.kind === 'fields'
    ? ({ kind: 'alert', sentence: words[language].fields } as const)
    : sayProblem(problem, language)
}
