-- By which a process notices that it was given another key than the others. An id is made from a key and does not tell it: 48 bits of
-- an HMAC under it. It is no secret; access tokens carry the one of theirs.
create table service_keys (
    name   text        constraint service_keys_pkey primary key constraint service_keys_name check (name in ('code', 'token')),
    id     text        not null,
    set_at timestamptz not null default now(),
    actor  text        not null
);
