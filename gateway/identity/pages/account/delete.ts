import type { Language } from '../../../page.ts'
import {
  type FormProblem,
  fieldAttributes,
  renderFormPage,
  renderLink,
  type Saying,
  sayProblem,
} from '../form.ts'

export interface DeleteAccountPage {
  readonly language: Language
  readonly email: string
  readonly problem: FormProblem | { readonly kind: 'wrong' } | { readonly kind: 'referenced' } | null
}

const words = {
  fr: {
    title: 'Supprimer mon compte',
    intro: (email: string) =>
      `Le compte de ${email} et toutes ses sessions disparaîtront, pour toujours. Votre mot de passe le confirme.`,
    password: 'Mot de passe actuel',
    submit: 'Supprimer le compte pour toujours',
    wrong: 'Ce n’est pas votre mot de passe actuel. Vérifiez-le et recommencez.',
    referenced:
      'L’application garde encore des données de ce compte\u00a0: il ne peut pas être supprimé. Adressez-vous à son exploitant.',
    back: 'Garder mon compte',
  },
  en: {
    title: 'Delete my account',
    intro: (email: string) =>
      `The account of ${email} and all its sessions will be gone, for ever. Your password confirms it.`,
    password: 'Current password',
    submit: 'Delete the account for ever',
    wrong: 'This is not your current password. Check it and try again.',
    referenced: 'The app still has records of this account, so it cannot be deleted. Ask its operator.',
    back: 'Keep my account',
  },
} as const

/** A page of its own, so that nobody deletes an account in passing. */
export function renderDeleteAccountPage({ language, email, problem }: DeleteAccountPage): string {
  const word = words[language]
  return renderFormPage({
    language,
    title: word.title,
    intro: word.intro(email),
    saying: sayingOf(problem, language),
    path: '/auth/account/delete',
    kept: {},
    fields: [
      {
        name: 'currentPassword',
        label: word.password,
        attributes: fieldAttributes.currentPassword,
        ...(problem?.kind === 'wrong' && { problem: word.wrong }),
      },
    ],
    submit: word.submit,
    after: `<p class="fine">${renderLink('/auth/account', {}, word.back)}</p>`,
  })
}

function sayingOf(problem: DeleteAccountPage['problem'], language: Language): Saying | null {
  if (problem === null || problem.kind === 'wrong') return null
  if (problem.kind === 'referenced') return { kind: 'alert', sentence: words[language].referenced }
  return sayProblem(problem, language)
}
