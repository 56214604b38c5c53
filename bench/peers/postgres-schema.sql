-- Postgres alone: one hot coupon, users with credit, what was redeemed.
create table coupon (
    id        integer primary key,
    code      text    not null,
    price     bigint  not null,
    total     bigint  not null,
    remaining bigint  not null check (remaining between 0 and total),
    active    boolean not null
);
create table account (
    id     bigint primary key,
    credit bigint not null check (credit >= 0)
);
create table redemption (
    id          bigint      generated always as identity primary key,
    coupon      integer     not null references coupon,
    account     bigint      not null references account,
    price       bigint      not null,
    redeemed_at timestamptz not null default now(),
    unique (coupon, account)
);
insert into coupon values (1, 'BENCH-CODE', 1, 1000000000, 1000000000, true);
