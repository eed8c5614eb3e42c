import type { Language } from '../../page.ts'
import { type FormProblem, fieldAttributes, renderFormPage, renderLink, sayProblem } from './form.ts'

export interface ResetPage {
  readonly language: Language
  readonly email: string
  /** Six digits, or empty. */
  readonly code: string
  readonly problem: FormProblem | { readonly kind: 'wrong' } | { readonly kind: 'password' } | null
}

const words = {
  fr: {
    title: 'Nouveau mot de passe',
    intro:
      'S’il y a un compte à cette adresse, un e\u2011mail avec un code à 6 chiffres est en route. Regardez aussi parmi les indésirables.',
    intoLink: 'Choisissez votre nouveau mot de passe. Tous vos appareils seront déconnectés.',
    email: 'Adresse e-mail',
    code: 'Code à 6 chiffres',
    newPassword: 'Nouveau mot de passe',
    hint: '8 caractères au moins. Une phrase courte fait un bon mot de passe.',
    submit: 'Changer le mot de passe',
    wrong: 'Ce code est faux, a déjà servi ou a expiré. Vérifiez-le, ou demandez-en un autre.',
    refused:
      'Choisissez 8 caractères ou plus : ni l’un des mots de passe les plus courants, ni votre nom, ni votre adresse.',
    again: 'Recevoir un autre code',
    logIn: 'Se connecter',
  },
  en: {
    title: 'New password',
    intro:
      'If there is an account at this address, an e\u2011mail with a 6-digit code is on its way. Look among the spam too.',
    intoLink: 'Choose your new password. All your devices will be logged out.',
    email: 'E-mail address',
    code: '6-digit code',
    newPassword: 'New password',
    hint: 'At least 8 characters. A short phrase makes a good password.',
    submit: 'Change the password',
    wrong: 'This code is wrong, was used before, or has expired. Check it, or ask for another one.',
    refused: 'Choose 8 characters or more: not one of the most common passwords, nor your name or address.',
    again: 'Send me another code',
    logIn: 'Log in',
  },
} as const

export function renderResetPage({ language, email, code, problem }: ResetPage): string {
  const word = words[language]
  const isOfField = problem?.kind === 'wrong' || problem?.kind === 'password'
  return renderFormPage({
    language,
    title: word.title,
    intro: code === '' ? word.intro : word.intoLink,
    saying: problem === null || isOfField ? null : sayProblem(problem, language),
    path: '/auth/reset',
    kept: {},
    fields: [
      { name: 'email', label: word.email, attributes: fieldAttributes.email, value: email },
      {
        name: 'code',
        label: word.code,
        attributes: fieldAttributes.code,
        value: code,
        ...(problem?.kind === 'wrong' && { problem: word.wrong }),
      },
      {
        name: 'password',
        label: word.newPassword,
        attributes: fieldAttributes.newPassword,
        hint: word.hint,
        ...(problem?.kind === 'password' && { problem: word.refused }),
      },
    ],
    submit: word.submit,
    after: `<p class="fine">${renderLink('/auth/forgot', email === '' ? {} : { email }, word.again)} · ${renderLink('/auth/login', {}, word.logIn)}</p>`,
  })
}
