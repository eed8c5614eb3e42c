import type { Language } from '../../page.ts'

export interface Recipient {
  readonly email: string
  /** How the mail addresses them; may be empty. */
  readonly firstName: string
  readonly language: Language
}

/** What the gateway writes to people. `link` leads to a page with a button, so that a mail scanner that opens it spends nothing. */
export type Mail =
  | { readonly kind: 'activation'; readonly code: string; readonly link: string }
  /** To the owner of an address that somebody tried to register again. */
  | { readonly kind: 'already-registered'; readonly loginLink: string; readonly resetLink: string }
  | { readonly kind: 'password-reset'; readonly code: string; readonly link: string }
  | { readonly kind: 'email-change'; readonly code: string; readonly link: string }
  /** To the address that was given up. */
  | { readonly kind: 'email-changed'; readonly newEmail: string }
  | { readonly kind: 'password-changed'; readonly resetLink: string }

export interface Mails {
  /**
   * Hands the mail over and returns at once: nobody may learn from the time it takes whether an account
   * exists. What cannot be delivered is tried again for a while, then logged; the person can ask again.
   */
  send(to: Recipient, mail: Mail): void
}
