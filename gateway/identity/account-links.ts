/** Where the links in mails lead: pages with a button, since a mail scanner that opens one must spend nothing. */
export interface AccountLinks {
  login(): string
  activate(email: string, code: string): string
  forgot(email: string): string
  confirmEmail(code: string): string
  reset(email: string, code: string): string
}

/** @param publicUrl an origin, such as `https://etu.example` */
export function createAccountLinks(publicUrl: string): AccountLinks {
  const link = (page: string, query: Record<string, string>): string =>
    `${publicUrl}/auth/${page}?${new URLSearchParams(query)}`
  return {
    login: () => `${publicUrl}/auth/login`,
    activate: (email, code) => link('activate', { email, code }),
    forgot: (email) => link('forgot', { email }),
    confirmEmail: (code) => link('me/email', { code }),
    reset: (email, code) => link('reset', { email, code }),
  }
}
