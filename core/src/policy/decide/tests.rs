//! The table of the rules, and every set of methods against the rules written once more, plainly.

use super::*;

const X: Hash = [1; 32];
const Y: Hash = [2; 32];
use FactorClass::{Knowledge, Possession};

fn method(name: &str, class: FactorClass, reach: &[Hash], second: bool) -> Method {
    Method {
        name: name.into(),
        group: name.into(),
        class: Some(class),
        reach: reach.iter().copied().collect(),
        second,
        starts: !matches!(name, "totp" | "pin" | "codes"),
        two_in_one: false,
        usable: true,
        identifier: matches!(name, "code" | "mail").then(|| name.as_bytes().to_vec()),
    }
}

fn password(reach: &[Hash]) -> Method {
    method("password", Knowledge, reach, false)
}
fn mail() -> Method {
    method("mail", Possession, &[X], false)
}
fn totp() -> Method {
    method("totp", Possession, &[], true)
}
fn pin() -> Method {
    method("pin", Knowledge, &[], true)
}
fn code(at: Hash) -> Method {
    method("code", Possession, &[at], true)
}
fn dead(one: Method) -> Method {
    Method { usable: false, ..one }
}
fn multi(one: Method) -> Method {
    Method {
        two_in_one: true,
        ..one
    }
}
fn passkey(second: bool) -> Method {
    method("passkey", Possession, &[], second)
}
fn sso(reach: &[Hash]) -> Method {
    method("sso", Possession, reach, false)
}

fn seconds(names: &[&str]) -> Vec<SecondName> {
    names
        .iter()
        .map(|name| SecondName {
            name: (*name).into(),
            group: (*name).into(),
            class: Some(if *name == "pin" { Knowledge } else { Possession }),
            two_in_one: false,
        })
        .collect()
}

/// What somebody goes through who proves the first of what is offered, each time: the names offered, then the end.
fn walk(first: &Method, holds: &[Method], require: bool, names: &[&str]) -> String {
    let mut methods = vec![first.clone()];
    methods.extend(holds.iter().filter(|held| !held.is(first)).cloned());
    let mut proved = vec![first.clone()];
    let mut said = Vec::new();
    loop {
        let seconds = seconds(names);
        let demand = Demand {
            require,
            seconds: &seconds,
            planted: Planted::default(),
        };
        match decide(&methods, &proved, demand) {
            Decision::Accept => said.push("accept".to_owned()),
            Decision::Enroll(names) => said.push(format!("enroll {}", names.join(" "))),
            Decision::Refuse(why) => said.push(why.id().to_owned()),
            Decision::Verify(asked) => {
                said.push(
                    asked
                        .iter()
                        .map(|one| one.name.as_str())
                        .collect::<Vec<_>>()
                        .join(" "),
                );
                proved.push(asked[0].clone());
                continue;
            }
        }
        return said.join(", ");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is the table")]
fn the_table_of_the_rules() {
    let all = ["totp", "pin", "code"];
    let no_pin = ["totp", "code"];
    let unusable = "second_factor_unusable";
    let recovered = || password(&[X]);
    for (first, holds, names, optional, required) in [
        (recovered(), vec![], &no_pin[..], "accept", "enroll totp code"),
        (password(&[]), vec![], &all, "accept", "enroll totp code"),
        (recovered(), vec![totp()], &all, "totp, accept", "totp, accept"),
        (
            recovered(),
            vec![pin()],
            &all,
            "pin, accept",
            "pin, enroll totp code",
        ),
        (recovered(), vec![code(Y)], &all, "code, accept", "code, accept"),
        // From before the rule: asked for, and counts for nothing.
        (
            recovered(),
            vec![code(X)],
            &all,
            "code, accept",
            "code, enroll totp pin",
        ),
        (
            recovered(),
            vec![totp(), code(X)],
            &all,
            "totp, accept",
            "totp, accept",
        ),
        (
            password(&[]),
            vec![totp(), code(X)],
            &all,
            "totp code, accept",
            "totp code, accept",
        ),
        (recovered(), vec![dead(totp())], &all, unusable, unusable),
        (mail(), vec![], &["totp", "pin"], "accept", "enroll pin"),
        (mail(), vec![], &["totp"], "accept", "no_distinct_factor_possible"),
        (mail(), vec![totp()], &all, "totp, accept", "totp, enroll pin"),
        (
            mail(),
            vec![passkey(true)],
            &all,
            "passkey, accept",
            "passkey, enroll pin",
        ),
        (mail(), vec![code(Y)], &all, "code, accept", "code, enroll pin"),
        (mail(), vec![totp(), pin()], &all, "pin, accept", "pin, accept"),
        (sso(&[X]), vec![code(Y)], &all, "code, accept", "code, enroll pin"),
        (
            method("ldap", Knowledge, &[X], false),
            vec![totp()],
            &all,
            "totp, accept",
            "totp, accept",
        ),
        (
            method("ldap", Knowledge, &[X], false),
            vec![code(Y)],
            &all,
            "code, accept",
            "code, accept",
        ),
        (
            multi(method("sso", Possession, &[], true)),
            vec![totp()],
            &all,
            "accept",
            "accept",
        ),
        (
            passkey(false),
            vec![totp()],
            &all,
            "totp, accept",
            "totp, enroll pin",
        ),
        // Planted as a way in, with its user verified: two in one at second names only.
        (
            multi(passkey(false)),
            vec![totp()],
            &["totp"],
            "totp, accept",
            "totp, no_distinct_factor_possible",
        ),
        (multi(passkey(true)), vec![totp()], &all, "accept", "accept"),
        (
            passkey(true),
            vec![password(&[X])],
            &["passkey"],
            "password, accept",
            "password, accept",
        ),
        (
            passkey(true),
            vec![],
            &["passkey"],
            "accept",
            "no_distinct_factor_possible",
        ),
        (
            code(Y),
            vec![password(&[X])],
            &["code"],
            "password, accept",
            "password, accept",
        ),
    ] {
        let what = format!(
            "{} with {:?}",
            first.name,
            holds.iter().map(|held| &held.name).collect::<Vec<_>>()
        );
        assert_eq!(walk(&first, &holds, false, names), optional, "optional: {what}");
        assert_eq!(walk(&first, &holds, true, names), required, "required: {what}");
    }
}

#[test]
fn codes_at_two_mailboxes_are_asked_for_one_after_the_other() {
    // Recovered over both: any one of them would let its reader in.
    assert_eq!(
        walk(&password(&[X, Y]), &[code(X), code(Y)], false, &["code"]),
        "code code, code, accept"
    );
}

#[test]
fn nothing_proved_is_not_enough_where_something_is_held() {
    let seconds = seconds(&["totp"]);
    let demand = |require| Demand {
        require,
        seconds: &seconds,
        planted: Planted::default(),
    };
    assert_eq!(
        decide(&[totp()], &[], demand(false)),
        Decision::Verify(vec![totp()])
    );
    assert_eq!(
        decide(&[dead(totp())], &[], demand(false)),
        Decision::Refuse(Unsatisfiable::SecondFactorUnusable)
    );
    assert_eq!(decide(&[], &[], demand(false)), Decision::Accept);
    assert_eq!(
        decide(&[], &[], demand(true)),
        Decision::Enroll(vec!["totp".into()])
    );
}

/// The rules once more, over bit masks of addresses and indices of methods.
fn plainly(
    methods: &[Method],
    proved: &[usize],
    require: bool,
    seconds: &[SecondName],
) -> (&'static str, Vec<usize>) {
    let mask = |at: usize| {
        let reach = &methods[at].reach;
        u8::from(reach.contains(&X)) | u8::from(reach.contains(&Y)) << 1
    };
    let cover = |set: &[usize]| {
        set.iter().fold(7, |cover, at| {
            cover & mask(*at) | if set.is_empty() { 4 } else { 0 }
        }) & if set.is_empty() { 7 } else { 3 }
    };
    let multi = |set: &[usize]| {
        set.iter()
            .any(|at| methods[*at].second && methods[*at].two_in_one)
    };
    let two = |set: &[usize]| {
        let first = set.first().map(|at| methods[*at].group.clone());
        multi(set)
            || (set.iter().any(|at| Some(&methods[*at].group) != first.as_ref())
                && set.iter().any(|at| methods[*at].second)
                && cover(set) == 0)
    };
    let distinct = |set: &[usize]| {
        two(set) && (multi(set) || set.iter().any(|at| methods[*at].class != methods[set[0]].class))
    };
    let enroll = || {
        let mut found: Vec<usize> = Vec::new();
        for (at, second) in seconds.iter().enumerate() {
            let held = methods
                .iter()
                .any(|method| method.second && method.group == second.group);
            let class = proved.iter().any(|at| methods[*at].class != second.class);
            if !held
                && !proved.iter().any(|at| methods[*at].group == second.group)
                && (class || second.two_in_one)
            {
                found.push(at);
            }
        }
        if !require {
            ("accept", Vec::new())
        } else if found.is_empty() {
            ("impossible", Vec::new())
        } else {
            ("enroll", found)
        }
    };
    let held: Vec<usize> = (0..methods.len()).filter(|at| methods[*at].second).collect();
    if held.is_empty() {
        return enroll();
    }
    if distinct(proved) {
        return ("accept", Vec::new());
    }
    let all_second = proved.iter().all(|at| methods[*at].second);
    let candidates: Vec<usize> = (0..methods.len())
        .filter(|at| methods[*at].usable && !proved.contains(at))
        .filter(|at| methods[*at].second || all_second && methods[*at].starts)
        .collect();
    let those = |fits: &dyn Fn(&[usize], usize) -> bool| -> Vec<usize> {
        candidates
            .iter()
            .copied()
            .filter(|at| fits(&[proved, &[*at]].concat(), *at))
            .collect()
    };
    let asked = those(&|set, _| distinct(set));
    if !asked.is_empty() {
        return ("verify", asked);
    }
    if two(proved) && !require {
        return ("accept", Vec::new());
    }
    for asked in [
        if two(proved) {
            Vec::new()
        } else {
            those(&|set, _| two(set))
        },
        those(&|set, _| cover(set).count_ones() < cover(proved).count_ones()),
        if proved.iter().any(|at| methods[*at].second) {
            Vec::new()
        } else {
            those(&|_, at| methods[at].second)
        },
    ] {
        if !asked.is_empty() {
            return ("verify", asked);
        }
    }
    if held.iter().any(|at| !methods[*at].usable) && !two(proved) {
        return ("unusable", Vec::new());
    }
    enroll()
}

#[test]
fn every_set_is_judged_as_the_rules_say_plainly() {
    let mut looked_at = 0;
    let names = ["totp", "pin", "code", "passkey"];
    for (reach, passkeys, uv) in [&[][..], &[X], &[Y], &[X, Y]]
        .into_iter()
        .flat_map(|reach| [false, true].into_iter().map(move |second| (reach, second)))
        .flat_map(|(reach, second)| [false, true].into_iter().map(move |uv| (reach, second, uv)))
    {
        let mut key = passkey(passkeys);
        key.two_in_one = uv;
        let all = [
            password(reach),
            mail(),
            totp(),
            pin(),
            code(X),
            code(Y),
            key,
            sso(&[X]),
        ];
        let mut seconds = seconds(if passkeys { &names } else { &names[..3] });
        if let Some(last) = seconds.get_mut(3) {
            last.two_in_one = uv;
        }
        for held in 0u32..1 << all.len() {
            for spent in [false, true] {
                let methods: Vec<Method> = (0..all.len())
                    .filter(|at| held & 1 << at != 0)
                    .map(|at| {
                        if spent && all[at].name == "totp" {
                            dead(all[at].clone())
                        } else {
                            all[at].clone()
                        }
                    })
                    .collect();
                let usable: Vec<usize> = (0..methods.len()).filter(|at| methods[*at].usable).collect();
                for choice in 1u32..1 << usable.len() {
                    let proved: Vec<usize> = usable
                        .iter()
                        .enumerate()
                        .filter(|(bit, _)| choice & 1 << bit != 0)
                        .map(|(_, at)| *at)
                        .collect();
                    let set: Vec<Method> = proved.iter().map(|at| methods[*at].clone()).collect();
                    for require in [false, true] {
                        looked_at += 1;
                        let decision = decide(
                            &methods,
                            &set,
                            Demand {
                                require,
                                seconds: &seconds,
                                planted: Planted::default(),
                            },
                        );
                        let (said, which) = plainly(&methods, &proved, require, &seconds);
                        let expected = match said {
                            "accept" => Decision::Accept,
                            "enroll" => {
                                Decision::Enroll(which.iter().map(|at| seconds[*at].name.clone()).collect())
                            }
                            "impossible" => Decision::Refuse(Unsatisfiable::NoDistinctFactorPossible),
                            "unusable" => Decision::Refuse(Unsatisfiable::SecondFactorUnusable),
                            _ => Decision::Verify(which.iter().map(|at| methods[*at].clone()).collect()),
                        };
                        assert_eq!(decision, expected, "{require} {set:?} of {methods:?}");
                        // Whoever holds a second factor that works never gets in with one, nor by one address.
                        if decision == Decision::Accept
                            && !set.iter().any(|one| is_multi(one, Planted::default()))
                        {
                            let outside = methods.iter().any(|held| {
                                held.second && held.usable && held.reach.is_empty() && !set.contains(held)
                            });
                            assert!(
                                !outside || two(&set, Planted::default()),
                                "{set:?} of {methods:?}"
                            );
                        }
                    }
                }
            }
        }
    }
    assert!(looked_at > 300_000, "{looked_at}");
}
