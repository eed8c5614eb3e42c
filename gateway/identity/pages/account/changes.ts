import { escapeHtml, type Language } from '../../../page.ts'
import type { Account } from '../../account.ts'
import { fieldAttributes, renderLink } from '../form.ts'
import { type RefusedFold, renderFold } from './fold.ts'

export interface ChangesSection {
  readonly language: Language
  readonly account: Account
  /** Without mails no new address is confirmed, and no forgotten password replaced. */
  readonly sendsMails: boolean
  readonly refused: RefusedFold | null
}

const words = {
  fr: {
    title: 'Modifier mon compte',
    name: 'Changer mon nom',
    firstName: 'Prénom',
    lastName: 'Nom',
    firstNameRefused: 'Saisissez un prénom, de 100 caractères au plus.',
    lastNameRefused: 'Saisissez un nom, de 100 caractères au plus.',
    saveName: 'Enregistrer le nom',
    email: 'Changer mon adresse e-mail',
    newEmail: 'Nouvelle adresse e-mail',
    emailHint: 'Nous y enverrons un code. D’ici là, l’adresse actuelle reste la bonne.',
    emailRefused: 'Saisissez une autre adresse que l’actuelle, comme nom@exemple.org.',
    saveEmail: 'Recevoir le code',
    password: 'Changer mon mot de passe',
    currentPassword: 'Mot de passe actuel',
    currentPasswordRefused: 'Ce n’est pas votre mot de passe actuel. Vérifiez-le et recommencez.',
    newPassword: 'Nouveau mot de passe',
    passwordHint: '8 caractères au moins. Vos autres sessions prendront fin.',
    newPasswordRefused:
      'Choisissez 8 caractères ou plus\u00a0: ni l’un des mots de passe les plus courants, ni votre nom, ni votre adresse.',
    savePassword: 'Changer le mot de passe',
    forgot: 'Mot de passe oublié\u00a0?',
  },
  en: {
    title: 'Change my account',
    name: 'Change my name',
    firstName: 'First name',
    lastName: 'Last name',
    firstNameRefused: 'Enter a first name of 100 characters at most.',
    lastNameRefused: 'Enter a last name of 100 characters at most.',
    saveName: 'Save the name',
    email: 'Change my e-mail address',
    newEmail: 'New e-mail address',
    emailHint: 'We will send a code there. Until then, the present address stays the right one.',
    emailRefused: 'Enter another address than the present one, such as name@example.org.',
    saveEmail: 'Send me the code',
    password: 'Change my password',
    currentPassword: 'Current password',
    currentPasswordRefused: 'This is not your current password. Check it and try again.',
    newPassword: 'New password',
    passwordHint: 'At least 8 characters. Your other sessions will end.',
    newPasswordRefused:
      'Choose 8 characters or more: not one of the most common passwords, nor your name or address.',
    savePassword: 'Change the password',
    forgot: 'Forgotten your password?',
  },
} as const

export function renderChanges(section: ChangesSection): string {
  return `<section aria-labelledby="changes">
<h2 id="changes">${words[section.language].title}</h2>
${renderNameFold(section)}
${section.sendsMails ? renderEmailFold(section) : ''}
${renderPasswordFold(section)}
</section>`
}

function renderNameFold({ language, account, refused }: ChangesSection): string {
  const word = words[language]
  const field = (name: 'firstName' | 'lastName') => ({
    name,
    label: word[name],
    attributes: fieldAttributes[name],
    value: account[name],
    refusal: word[`${name}Refused`],
  })
  const fields = [field('firstName'), field('lastName')]
  return renderFold({ language, refused, form: 'name', title: word.name, fields, submit: word.saveName })
}

function renderEmailFold({ language, refused }: ChangesSection): string {
  const word = words[language]
  const newEmail = {
    name: 'email',
    label: word.newEmail,
    attributes: fieldAttributes.newEmail,
    hint: word.emailHint,
    refusal: word.emailRefused,
  }
  const fields = [newEmail, currentPasswordField(language)]
  return renderFold({ language, refused, form: 'email', title: word.email, fields, submit: word.saveEmail })
}

function renderPasswordFold({ language, account, sendsMails, refused }: ChangesSection): string {
  const word = words[language]
  const newPassword = {
    name: 'newPassword',
    label: word.newPassword,
    attributes: fieldAttributes.newPassword,
    hint: word.passwordHint,
    refusal: word.newPasswordRefused,
  }
  return renderFold({
    language,
    refused,
    form: 'password',
    title: word.password,
    // Tells password managers whose password it is that they are to replace.
    before: `<input type="email" autocomplete="username" value="${escapeHtml(account.email)}" hidden>`,
    fields: [currentPasswordField(language), newPassword],
    submit: word.savePassword,
    // Also the way to a first one, for an account that came from the app's own login.
    after: sendsMails
      ? `<p class="fine">${renderLink('/auth/forgot', { email: account.email }, word.forgot)}</p>`
      : '',
  })
}

const currentPasswordField = (language: Language) => ({
  name: 'currentPassword',
  label: words[language].currentPassword,
  attributes: fieldAttributes.currentPassword,
  refusal: words[language].currentPasswordRefused,
})
