-- What `redeem import flask` has taken over, as it was there: a later run compares what is there now with it. What is here cannot
-- tell, since it changes lawfully: credit is granted and spent, passwords are hashed anew, coupons are restocked.

create table imported_users (
    id              uuid   constraint imported_users_pkey primary key constraint imported_users_user references users on delete cascade,
    -- The id there.
    source          text   not null,
    name            text   not null,
    -- SHA-256 of the hash that was stored there; null: none that a login can check.
    password_digest bytea,
    credit          bigint not null
);

create table imported_coupons (
    id          text   collate "C" constraint imported_coupons_pkey primary key
        constraint imported_coupons_coupon references coupons on delete cascade,
    name        text   not null,
    price       bigint not null,
    -- Below 0 where it was oversold.
    number_left bigint not null,
    ends_at     timestamptz,
    state       text   not null
);
