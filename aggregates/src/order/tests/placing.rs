//! Placing: the golden vector, every refusal, and that no split loses a minor unit.

use proptest::prelude::*;

use super::*;
use crate::order::{OrderStatus, PaymentStatus};

#[test]
fn the_golden_order_comes_to_the_golden_amounts() {
    let priced = pricing::price(&golden_order()).unwrap();
    let figures = |index: usize| {
        let amounts = priced.lines[index].amounts;
        [
            amounts.item,
            amounts.shipping,
            amounts.tax,
            amounts.fee,
            amounts.seller_net,
            amounts.total,
        ]
    };
    assert_eq!(figures(0), [3000, 350, 442, 300, 3050, 3792]);
    assert_eq!(figures(1), [3000, 0, 395, 300, 2700, 3395]);
    assert_eq!(figures(2), [3000, 350, 0, 300, 3050, 3350]);
    assert_eq!(
        priced.totals,
        Totals {
            goods: 10_000,
            discount: 1000,
            shipping: 700,
            tax: 837,
            total: 10_537,
            fee: 900,
            seller_net: 8800,
        }
    );
}

#[test]
fn an_order_is_placed_with_a_snapshot_of_everything() {
    let story = Story::placed();
    let priced = pricing::price(&golden_order()).unwrap();
    let order = golden_order();
    assert_eq!(
        story.events,
        [OrderEvent::Placed {
            order: order_id(),
            reference: order.reference,
            buyer: order.buyer,
            currency: Currency::USD,
            origin: Origin::Cart,
            lines: priced.lines,
            discount: order.discount,
            tax_jurisdiction: "US-CA".to_owned(),
            ship_to: order.ship_to,
            totals: priced.totals,
            policy: CommercePolicy::default(),
            expires_at: minutes(60),
            at: minutes(0),
        }]
    );
    let order = story.order();
    assert_eq!(order.status(), OrderStatus::Placed);
    assert_eq!(order.payment_status(), PaymentStatus::Unpaid);
    assert_eq!(order.total(), Some(usd(10_537)));
    assert_eq!(order.due_times().expires_at, Some(minutes(60)));
    assert_eq!(
        order.claims_of(bruno()),
        [crate::vocabulary::Claim::of_line(order_id(), LineNo(2))]
    );
    assert_eq!(order.guest_token_hash(), None);
}

#[test]
fn a_guest_orders_with_the_hash_of_a_token() {
    let story = Story::placed_with(|place| place.buyer = guest());
    assert_eq!(story.order().guest_token_hash(), Some("ab".repeat(32).as_str()));
}

#[test]
fn placed_again_it_is_the_same_order_even_if_the_address_was_sealed_anew() {
    let story = Story::placed_with(|place| place.buyer = guest()).at(minutes(3));
    let sealed_anew = place(|place| {
        let mut buyer = guest();
        if let Buyer::Guest { email, .. } = &mut buyer {
            email.nonce = "BBBBBBBBBBBBBBBB".to_owned();
        }
        place.buyer = buyer;
        place.policy.version = 2;
    });
    story.ignores(sealed_anew);
}

#[test]
fn another_order_under_the_same_id_is_refused() {
    let other = place(|place| place.lines[0].quantity = 2);
    Story::placed().refuses(other, OrderError::AlreadyPlaced);
    Story::placed().refuses(place(|place| place.reference = None), OrderError::AlreadyPlaced);
}

fn mismatch(what: &str, claimed: i64, computed: i64) -> OrderError {
    let difference = claimed - computed;
    OrderError::PriceMismatch { what: what.to_owned(), claimed, computed, difference }
}

fn place_claiming(change: impl FnOnce(&mut PlaceOrder)) -> OrderCommand {
    let mut order = claim(golden_order());
    change(&mut order);
    OrderCommand::Place(Box::new(order))
}

#[test]
fn every_figure_the_storefront_claims_is_compared_and_named() {
    type Figure = (&'static str, fn(&mut PlaceOrder), i64);
    let figures: [Figure; 15] = [
        ("lines[2].list", |o| o.lines[2].claimed.list += 2, 3334),
        ("lines[2].discount", |o| o.lines[2].claimed.discount += 2, 334),
        ("lines[2].item", |o| o.lines[2].claimed.item += 2, 3000),
        ("lines[2].shipping", |o| o.lines[2].claimed.shipping += 2, 350),
        ("lines[2].tax", |o| o.lines[2].claimed.tax += 2, 0),
        ("lines[2].fee", |o| o.lines[2].claimed.fee += 2, 300),
        ("lines[2].seller_net", |o| o.lines[2].claimed.seller_net += 2, 3050),
        ("lines[2].total", |o| o.lines[2].claimed.total += 2, 3350),
        ("totals.goods", |o| o.claimed.goods += 2, 10_000),
        ("totals.discount", |o| o.claimed.discount += 2, 1000),
        ("totals.shipping", |o| o.claimed.shipping += 2, 700),
        ("totals.tax", |o| o.claimed.tax += 2, 837),
        ("totals.total", |o| o.claimed.total += 2, 10_537),
        ("totals.fee", |o| o.claimed.fee += 2, 900),
        ("totals.seller_net", |o| o.claimed.seller_net += 2, 8800),
    ];
    for (what, change, computed) in figures {
        Story::begin().refuses(place_claiming(change), mismatch(what, computed + 2, computed));
    }
}

#[test]
fn an_order_has_at_least_one_line_and_at_most_a_thousand() {
    Story::begin().refuses(place(|place| place.lines.clear()), OrderError::EmptyOrder);
    let too_many = place(|place| place.lines = vec![line("bead", 10, false, true); 1001]);
    Story::begin().refuses(too_many, OrderError::EmptyOrder);
    let many = Story::placed_with(|place| place.lines = vec![line("bead", 10, true, true); 1000]);
    assert_eq!(many.order().lines().count(), 1000);
}

#[test]
fn a_line_needs_a_quantity_and_a_price_that_is_not_negative() {
    let problem =
        |line, problem: &str| OrderError::InvalidLine { line, problem: problem.to_owned() };
    Story::begin().refuses(
        place(|place| place.lines[1].quantity = 0),
        problem(1, "the quantity must be at least 1"),
    );
    Story::begin().refuses(
        place(|place| place.lines[0].unit_price = -1),
        problem(0, "the unit price must not be negative"),
    );
}

#[test]
fn negative_amounts_are_refused() {
    for change in [
        (|place| place.shipping = -1) as fn(&mut PlaceOrder),
        |place| place.tax = -1,
        |place| {
            place.discount = Some(Discount { amount: -1, funded_by: FundedBy::Seller, code: None })
        },
    ] {
        Story::begin().refuses(place(change), OrderError::AmountNotPositive);
    }
}

#[test]
fn a_discount_is_at_most_the_goods() {
    let large = Discount { amount: 10_001, funded_by: FundedBy::Platform, code: None };
    Story::begin().refuses(
        place(|place| place.discount = Some(large)),
        OrderError::DiscountTooLarge { discount: 10_001, goods: 10_000 },
    );
}

#[test]
fn a_seller_who_is_not_ready_cannot_sell() {
    Story::begin().refuses(
        place(|place| place.lines[2].seller_ready = false),
        OrderError::SellerNotReady { seller: bruno() },
    );
}

#[test]
fn goods_that_are_shipped_need_an_address() {
    Story::begin().refuses(place(|place| place.ship_to = None), OrderError::AddressRequired);
    Story::placed_with(|place| {
        place.ship_to = None;
        place.shipping = 0;
        place.lines.iter_mut().for_each(|line| line.shippable = false);
    });
}

#[test]
fn shipping_and_tax_need_a_line_they_can_fall_on() {
    let nothing_to_ship = place(|place| place.lines.iter_mut().for_each(|l| l.shippable = false));
    Story::begin().refuses(nothing_to_ship, mismatch("totals.shipping", 700, 0));
    let nothing_taxed = place(|place| place.lines.iter_mut().for_each(|l| l.taxable = false));
    Story::begin().refuses(nothing_taxed, mismatch("totals.tax", 837, 0));
}

#[test]
fn shipping_falls_equally_on_lines_that_cost_nothing() {
    let story = Story::placed_with(|place| {
        place.discount = None;
        place.lines.iter_mut().for_each(|line| line.unit_price = 0);
        place.shipping = 701;
        place.tax = 0;
    });
    let shipping: Vec<_> = story.order().lines().map(|line| line.amounts.shipping).collect();
    assert_eq!(shipping, [351, 0, 350]);
}

#[test]
fn the_platform_funds_a_discount_from_its_own_pocket() {
    let story = Story::placed_with(|place| {
        place.discount = Some(Discount { amount: 1000, funded_by: FundedBy::Platform, code: None });
    });
    let amounts = story.order().lines().next().unwrap().amounts;
    assert_eq!((amounts.list, amounts.discount, amounts.fee), (3333, 333, 333));
    assert_eq!(amounts.seller_net, 3333 - 333 + 350);
    let components = pricing::components(&amounts, Some(FundedBy::Platform));
    assert_eq!((components.discount, components.cash()), (333, amounts.total));
}

#[test]
fn amounts_that_do_not_fit_are_refused() {
    for change in [
        (|place| place.lines[0].unit_price = i64::MAX) as fn(&mut PlaceOrder),
        |place| {
            place.lines[0].unit_price = i64::MAX;
            place.lines[0].quantity = 2;
        },
        |place| place.shipping = i64::MAX,
    ] {
        Story::begin().refuses(place(change), OrderError::Overflow);
    }
}

#[test]
fn the_processor_sets_a_minimum_and_some_currencies_a_multiple() {
    let one = |place: &mut PlaceOrder, currency: Currency, price: i64| {
        *place = PlaceOrder {
            currency,
            lines: vec![line("sticker", price, false, false)],
            discount: None,
            shipping: 0,
            tax: 0,
            ..golden_order()
        };
    };
    Story::begin().refuses(
        place(|place| one(place, Currency::USD, 30)),
        OrderError::AmountBelowProcessorMinimum { total: usd(30), minimum: usd(50) },
    );
    Story::begin().refuses(
        place(|place| one(place, Currency::KWD, 5124)),
        OrderError::NotChargeable { currency: Currency::KWD, multiple: 10, amount: 5124 },
    );
    Story::placed_with(|place| one(place, Currency::KWD, 10));
    Story::placed_with(|place| one(place, Currency::JPY, 5000));
    let isk: Currency = "ISK".parse().unwrap();
    Story::begin().refuses(
        place(|place| one(place, isk, 1050)),
        OrderError::NotChargeable { currency: isk, multiple: 100, amount: 1050 },
    );
}

#[test]
fn an_order_of_nothing_is_confirmed_at_once_and_never_paid() {
    let story = Story::placed_with(|place| {
        place.discount =
            Some(Discount { amount: 10_000, funded_by: FundedBy::Platform, code: None });
        place.shipping = 0;
        place.tax = 0;
    });
    assert_eq!(
        story.last(),
        &OrderEvent::Confirmed {
            free: true,
            ship_by: Some(days(14)),
            complete_at: None,
            at: minutes(0),
        }
    );
    let order = story.order();
    assert_eq!(order.status(), OrderStatus::Confirmed);
    assert_eq!(order.payment_status(), PaymentStatus::NotRequired);
    assert_eq!(order.remaining(LineNo(0)).cash(), 0);
    story.refuses(reserve("r", 0, None), OrderError::NothingToRefund);
    story.refuses(note_checkout("first", "cs_1", minutes(60)), OrderError::AlreadyPaid);
}

#[test]
fn the_storefront_may_say_until_when_to_pay_within_bounds() {
    let story = Story::placed_with(|place| place.pay_by = Some(days(1)));
    assert_eq!(story.order().due_times().expires_at, Some(days(1)));
    for pay_by in [minutes(0), days(367)] {
        Story::begin().refuses(
            place(|place| place.pay_by = Some(pay_by)),
            OrderError::PayByOutOfBounds { pay_by, latest: days(366) },
        );
    }
}

fn any_line() -> impl Strategy<Value = PricedLine> {
    (0..200_000_i64, 1..9_u32, any::<bool>(), any::<bool>(), 0..=10_000_u16).prop_map(
        |(price, quantity, shippable, taxable, bps)| PricedLine {
            quantity,
            fee_bps: Rate::try_from_bps(bps).unwrap(),
            ..line("thing", price, shippable, taxable)
        },
    )
}

proptest! {
    #[test]
    fn every_split_sums_to_the_whole_and_cash_is_what_the_buyer_pays(
        lines in prop::collection::vec(any_line(), 1..12),
        discount_share in 0..=100_i64,
        by_platform in any::<bool>(),
        shipping in 0..50_000_i64,
        tax in 0..50_000_i64,
    ) {
        let funded_by = if by_platform { FundedBy::Platform } else { FundedBy::Seller };
        let goods: i64 = lines.iter().map(|l| l.unit_price * i64::from(l.quantity)).sum();
        let amount = goods * discount_share / 100;
        let shipping = if lines.iter().any(|l| l.shippable) { shipping } else { 0 };
        let tax = if lines.iter().any(|l| l.taxable) { tax } else { 0 };
        let discount = Some(Discount { amount, funded_by, code: None });
        let order = PlaceOrder { lines, discount, shipping, tax, ..golden_order() };
        let priced = pricing::price(&order).unwrap();
        let sum = |part: fn(&LineAmounts) -> i64| {
            priced.lines.iter().map(|line| part(&line.amounts)).sum::<i64>()
        };
        prop_assert_eq!(sum(|a| a.list), goods);
        prop_assert_eq!(sum(|a| a.discount), amount);
        prop_assert_eq!(sum(|a| a.shipping), shipping);
        prop_assert_eq!(sum(|a| a.tax), tax);
        prop_assert_eq!(sum(|a| a.total), priced.totals.total);
        prop_assert_eq!(sum(|a| a.fee), priced.totals.fee);
        prop_assert_eq!(sum(|a| a.seller_net), priced.totals.seller_net);
        for (line, given) in priced.lines.iter().zip(&order.lines) {
            let amounts = &line.amounts;
            let parts = pricing::components(amounts, Some(funded_by));
            prop_assert_eq!(parts.cash(), amounts.total);
            prop_assert_eq!(parts.seller_part(), amounts.seller_net);
            for part in [parts.fee, parts.seller, parts.shipping, parts.tax, parts.discount] {
                prop_assert!(part >= 0, "{:?}", parts);
            }
            prop_assert!(given.shippable || amounts.shipping == 0);
            prop_assert!(given.taxable || amounts.tax == 0);
        }
    }
}
