import type { Language } from '../../page.ts'
import { codeLifetimeMs } from '../one-time-code.ts'
import type { Mail } from './mail.ts'

/** What a mail says, still without form. */
export interface Wording {
  readonly subject: string
  readonly paragraphs: readonly string[]
  readonly code?: string
  readonly actions?: readonly { readonly label: string; readonly link: string }[]
  /** Below code and actions. */
  readonly closing: readonly string[]
}

type WordingOf = { readonly [Kind in Mail['kind']]: (mail: Extract<Mail, { kind: Kind }>) => Wording }

interface Words {
  /** An empty name: nobody's. */
  readonly greeting: (name: string) => string
  readonly automatic: string
  readonly wordingOf: WordingOf
}

const minutes = codeLifetimeMs / 60_000

const fr: Words = {
  greeting: (name) => (name === '' ? 'Bonjour,' : `Bonjour ${name},`),
  automatic: 'Mail automatique de Guichet : personne ne lit les réponses.',
  wordingOf: {
    activation: ({ code, link }) => ({
      subject: 'Votre code pour activer votre compte',
      paragraphs: ['Voici le code qui active votre compte :'],
      code,
      actions: [{ label: 'Activer mon compte', link }],
      closing: [
        `Il est valable ${minutes} minutes et ne sert qu’une fois.`,
        'Vous n’avez rien demandé ? Ignorez ce mail : sans ce code, aucun compte n’est créé.',
      ],
    }),
    'already-registered': ({ loginLink, resetLink }) => ({
      subject: 'Vous avez déjà un compte',
      paragraphs: [
        'Quelqu’un a voulu créer un compte avec votre adresse, qui en a déjà un. Rien n’a changé.',
        'Si c’était vous, connectez-vous, ou choisissez un nouveau mot de passe :',
      ],
      actions: [
        { label: 'Se connecter', link: loginLink },
        { label: 'Choisir un nouveau mot de passe', link: resetLink },
      ],
      closing: ['Sinon, vous n’avez rien à faire.'],
    }),
    'password-reset': ({ code, link }) => ({
      subject: 'Votre code pour choisir un nouveau mot de passe',
      paragraphs: ['Voici le code qui permet de choisir un nouveau mot de passe :'],
      code,
      actions: [{ label: 'Choisir un nouveau mot de passe', link }],
      closing: [
        `Il est valable ${minutes} minutes et ne sert qu’une fois. Ne le donnez à personne.`,
        'Vous n’avez rien demandé ? Ignorez ce mail : votre mot de passe reste le même.',
      ],
    }),
    'email-change': ({ code, link }) => ({
      subject: 'Votre code pour confirmer votre nouvelle adresse',
      paragraphs: ['Voici le code qui confirme cette adresse comme celle de votre compte :'],
      code,
      actions: [{ label: 'Confirmer cette adresse', link }],
      closing: [
        `Il est valable ${minutes} minutes et ne sert qu’une fois.`,
        'Vous n’avez rien demandé ? Ignorez ce mail : sans ce code, rien ne change.',
      ],
    }),
    'email-changed': ({ newEmail }) => ({
      subject: 'L’adresse de votre compte a changé',
      paragraphs: [`L’adresse de votre compte est désormais ${newEmail}. Celle-ci ne sert plus.`],
      closing: ['Ce n’était pas vous ? Prévenez tout de suite ceux qui tiennent ce service.'],
    }),
    'password-changed': ({ resetLink }) => ({
      subject: 'Votre mot de passe a changé',
      paragraphs: [
        'Le mot de passe de votre compte vient d’être changé. Si c’était vous, tout va bien.',
        'Ce n’était pas vous ? Choisissez tout de suite un nouveau mot de passe :',
      ],
      actions: [{ label: 'Choisir un nouveau mot de passe', link: resetLink }],
      closing: [],
    }),
  },
}

const en: Words = {
  greeting: (name) => (name === '' ? 'Hello,' : `Hello ${name},`),
  automatic: 'An automatic mail from Guichet: nobody reads the replies.',
  wordingOf: {
    activation: ({ code, link }) => ({
      subject: 'Your code to activate your account',
      paragraphs: ['This code activates your account:'],
      code,
      actions: [{ label: 'Activate my account', link }],
      closing: [
        `It is good for ${minutes} minutes and works once.`,
        'You did not ask for it? Ignore this mail: without the code no account is created.',
      ],
    }),
    'already-registered': ({ loginLink, resetLink }) => ({
      subject: 'You have an account already',
      paragraphs: [
        'Somebody tried to register with your address, which has an account already. Nothing has changed.',
        'If it was you, log in, or choose a new password:',
      ],
      actions: [
        { label: 'Log in', link: loginLink },
        { label: 'Choose a new password', link: resetLink },
      ],
      closing: ['Otherwise there is nothing for you to do.'],
    }),
    'password-reset': ({ code, link }) => ({
      subject: 'Your code to choose a new password',
      paragraphs: ['With this code you choose a new password:'],
      code,
      actions: [{ label: 'Choose a new password', link }],
      closing: [
        `It is good for ${minutes} minutes and works once. Give it to nobody.`,
        'You did not ask for it? Ignore this mail: your password stays the same.',
      ],
    }),
    'email-change': ({ code, link }) => ({
      subject: 'Your code to confirm your new address',
      paragraphs: ['This code confirms this address as that of your account:'],
      code,
      actions: [{ label: 'Confirm this address', link }],
      closing: [
        `It is good for ${minutes} minutes and works once.`,
        'You did not ask for it? Ignore this mail: without the code nothing changes.',
      ],
    }),
    'email-changed': ({ newEmail }) => ({
      subject: 'The address of your account has changed',
      paragraphs: [`The address of your account is ${newEmail} from now on. This one is no longer used.`],
      closing: ['It was not you? Tell those who run this service at once.'],
    }),
    'password-changed': ({ resetLink }) => ({
      subject: 'Your password has changed',
      paragraphs: [
        'The password of your account has just been changed. If it was you, all is well.',
        'It was not you? Choose a new password at once:',
      ],
      actions: [{ label: 'Choose a new password', link: resetLink }],
      closing: [],
    }),
  },
}

export const wordsIn: Readonly<Record<Language, Words>> = { fr, en }
