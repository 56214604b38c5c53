-- A redemption as one transaction, for pgbench: lock the coupon and the user, check, write.
\set account random(1, :users)
begin;
select price, remaining, active from coupon where id = 1 and code = 'BENCH-CODE' for update \gset coupon_
select credit from account where id = :account for update \gset user_
select count(*) as count from redemption where coupon = 1 and account = :account \gset earlier_
\if :coupon_active and :coupon_remaining > 0 and :earlier_count = 0 and :user_credit >= :coupon_price
update coupon set remaining = remaining - 1 where id = 1;
update account set credit = credit - :coupon_price where id = :account;
insert into redemption (coupon, account, price) values (1, :account, :coupon_price);
\endif
commit;
