import type { Language } from '../../page.ts'
import {
  type FormProblem,
  fieldAttributes,
  renderFormPage,
  renderLink,
  type Saying,
  sayProblem,
} from './form.ts'

export interface ConfirmEmailPage {
  readonly language: Language
  /** Six digits, or empty. */
  readonly code: string
  /** The mail was asked for just now. */
  readonly wasSent: boolean
  readonly problem: FormProblem | { readonly kind: 'wrong' } | null
}

const words = {
  fr: {
    title: 'Confirmer l’adresse e-mail',
    intro: 'Votre compte prendra l’adresse à laquelle ce code a été envoyé.',
    sent: 'Un e\u2011mail avec un code est en route vers la nouvelle adresse. Regardez aussi parmi les indésirables.',
    code: 'Code à 6 chiffres',
    submit: 'Confirmer l’adresse',
    wrong: 'Ce code est faux, a déjà servi ou a expiré. Vérifiez-le, ou demandez de nouveau le changement.',
    account: 'Mon compte',
  },
  en: {
    title: 'Confirm the e-mail address',
    intro: 'Your account will take the address that this code was sent to.',
    sent: 'An e\u2011mail with a code is on its way to the new address. Look among the spam too.',
    code: '6-digit code',
    submit: 'Confirm the address',
    wrong: 'This code is wrong, was used before, or has expired. Check it, or ask for the change again.',
    account: 'My account',
  },
} as const

/** The link of the mail leads here with the code filled in: looking spends nothing, the button does. */
export function renderConfirmEmailPage(page: ConfirmEmailPage): string {
  const { language, code, problem } = page
  const word = words[language]
  return renderFormPage({
    language,
    title: word.title,
    intro: word.intro,
    saying: sayingOf(page),
    path: '/auth/me/email',
    kept: {},
    fields: [
      {
        name: 'code',
        label: word.code,
        attributes: fieldAttributes.code,
        value: code,
        ...(problem?.kind === 'wrong' && { problem: word.wrong }),
      },
    ],
    submit: word.submit,
    after: `<p class="fine">${renderLink('/auth/account', {}, word.account)}</p>`,
  })
}

function sayingOf({ language, wasSent, problem }: ConfirmEmailPage): Saying | null {
  if (problem === null) return wasSent ? { kind: 'notice', sentence: words[language].sent } : null
  return problem.kind === 'wrong' ? null : sayProblem(problem, language)
}
