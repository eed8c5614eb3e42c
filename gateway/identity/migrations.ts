export interface Migration {
  readonly number: number
  readonly name: string
  /**
   * Statements in order. MySQL commits each of its own, so each must bear being run again after a crash
   * (`IF NOT EXISTS`); SQLite runs all in one transaction.
   */
  readonly mysql: readonly string[]
  readonly sqlite: readonly string[]
  /** Skipped where `utilisateurs` has this column: an older app's own stays, and so does ours after a crash. */
  readonly unlessColumn?: string
  /** Skipped where this index exists, as after a crash: MySQL knows no `CREATE INDEX IF NOT EXISTS`. */
  readonly unlessIndex?: string
}

/** What a start found to do. */
export interface MigrationReport {
  /** Names of the migrations that ran now. */
  readonly ran: readonly string[]
  /** For the log: what a person should look at. */
  readonly warnings: readonly string[]
}

/**
 * Append only: a migration that has been released never changes. The first creates `utilisateurs`; where an
 * older app has that table already, it is adopted instead (`adoption.ts`).
 */
export const migrations: readonly Migration[] = [
  {
    number: 1,
    name: 'utilisateurs',
    mysql: [
      `CREATE TABLE IF NOT EXISTS utilisateurs (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        nom VARCHAR(100) NOT NULL,
        prenom VARCHAR(100) NOT NULL,
        email VARCHAR(254) NOT NULL,
        mot_de_passe VARCHAR(255) NOT NULL,
        role VARCHAR(20) NOT NULL DEFAULT 'user',
        actif TINYINT(1) NOT NULL DEFAULT 1,
        derniere_connexion_ms BIGINT NULL,
        UNIQUE INDEX utilisateurs_email (email),
        INDEX utilisateurs_derniere_connexion (derniere_connexion_ms DESC, id)
      ) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
    ],
    sqlite: [
      `CREATE TABLE utilisateurs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        nom TEXT NOT NULL,
        prenom TEXT NOT NULL,
        email TEXT NOT NULL,
        mot_de_passe TEXT NOT NULL,
        role TEXT NOT NULL DEFAULT 'user',
        actif INTEGER NOT NULL DEFAULT 1,
        derniere_connexion_ms INTEGER
      )`,
      'CREATE UNIQUE INDEX utilisateurs_email ON utilisateurs (email COLLATE BINARY)',
      'CREATE INDEX utilisateurs_derniere_connexion ON utilisateurs (derniere_connexion_ms DESC, id)',
    ],
  },
  {
    number: 2,
    name: 'connexions_par_heure',
    // By hour first: statistics read a range of hours, in the order of the key.
    mysql: [
      `CREATE TABLE IF NOT EXISTS connexions_par_heure (
        heure BIGINT NOT NULL COMMENT 'start of the hour, ms since 1970 UTC',
        utilisateur_id BIGINT NOT NULL,
        connexions INT NOT NULL,
        PRIMARY KEY (heure, utilisateur_id)
      ) ENGINE = InnoDB`,
    ],
    sqlite: [
      `CREATE TABLE connexions_par_heure (
        heure INTEGER NOT NULL, -- start of the hour, ms since 1970 UTC
        utilisateur_id INTEGER NOT NULL,
        connexions INTEGER NOT NULL,
        PRIMARY KEY (heure, utilisateur_id)
      ) WITHOUT ROWID`,
    ],
  },
  {
    number: 3,
    name: 'plan',
    unlessColumn: 'plan',
    mysql: [
      'ALTER TABLE utilisateurs ADD COLUMN plan VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL',
    ],
    sqlite: ['ALTER TABLE utilisateurs ADD COLUMN plan TEXT'],
  },
  {
    number: 4,
    name: 'guichet_audit',
    mysql: [
      `CREATE TABLE IF NOT EXISTS guichet_audit (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        at_ms BIGINT NOT NULL,
        via VARCHAR(20) NOT NULL,
        peer VARCHAR(64) NOT NULL,
        action VARCHAR(20) NOT NULL,
        subject VARCHAR(1100) NOT NULL,
        policy VARCHAR(64) NULL,
        quota BIGINT NULL,
        for_seconds BIGINT NULL,
        reason VARCHAR(500) NOT NULL
      ) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
    ],
    sqlite: [
      `CREATE TABLE guichet_audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at_ms INTEGER NOT NULL,
        via TEXT NOT NULL,
        peer TEXT NOT NULL,
        action TEXT NOT NULL,
        subject TEXT NOT NULL,
        policy TEXT,
        quota INTEGER,
        for_seconds INTEGER,
        reason TEXT NOT NULL
      )`,
    ],
  },
  {
    number: 5,
    name: 'guichet_codes',
    // Owners are kept as digests: any text fits, and a leaked table names nobody.
    mysql: [
      `CREATE TABLE IF NOT EXISTS guichet_codes (
        purpose VARCHAR(20) NOT NULL,
        owner_hash CHAR(64) NOT NULL,
        code_hash VARCHAR(100) NULL COMMENT 'NULL once spent or forgotten',
        payload MEDIUMTEXT NOT NULL,
        tries_left INT NOT NULL,
        expires_at_ms BIGINT NOT NULL,
        issues VARCHAR(100) NOT NULL COMMENT 'when the latest were issued, ms since 1970 UTC, newest first',
        keep_until_ms BIGINT NOT NULL,
        PRIMARY KEY (purpose, owner_hash),
        INDEX guichet_codes_keep_until (keep_until_ms)
      ) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
    ],
    sqlite: [
      `CREATE TABLE guichet_codes (
        purpose TEXT NOT NULL,
        owner_hash TEXT NOT NULL,
        code_hash TEXT, -- NULL once spent or forgotten
        payload TEXT NOT NULL,
        tries_left INTEGER NOT NULL,
        expires_at_ms INTEGER NOT NULL,
        issues TEXT NOT NULL, -- when the latest were issued, ms since 1970 UTC, newest first
        keep_until_ms INTEGER NOT NULL,
        PRIMARY KEY (purpose, owner_hash)
      ) WITHOUT ROWID`,
      'CREATE INDEX guichet_codes_keep_until ON guichet_codes (keep_until_ms)',
    ],
  },
  {
    number: 6,
    name: 'connexions_par_heure_utilisateur',
    unlessIndex: 'connexions_par_heure_utilisateur',
    // So that forgetting an account does not walk through, and lock, everybody's hours.
    mysql: ['CREATE INDEX connexions_par_heure_utilisateur ON connexions_par_heure (utilisateur_id)'],
    sqlite: [
      'CREATE INDEX IF NOT EXISTS connexions_par_heure_utilisateur ON connexions_par_heure (utilisateur_id)',
    ],
  },
]
