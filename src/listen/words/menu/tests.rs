//! Thirty menus in four languages, as companies word them and as recognition spells them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;

/// A key, and words that its label must have.
type Option = (char, &'static str);

/// Each menu with its options.
const MENUS: &[(Language, &str, &[Option])] = &[
    (
        Language::English,
        "Welcome to Acme. For sales, press one. For support, press two. For billing, press three.",
        &[('1', "sales"), ('2', "support"), ('3', "billing")],
    ),
    (
        Language::English,
        "Press 1 for new orders, press 2 for an existing order, or press 0 to speak to an operator.",
        &[('1', "new orders"), ('2', "existing order"), ('0', "operator")],
    ),
    (
        Language::English,
        "for sales press 1 for support press 2 for all other questions press 0",
        &[('1', "sales"), ('2', "support"), ('0', "questions")],
    ),
    (
        Language::English,
        "If you are calling about a claim, press or say two. If you'd like to make a payment, press or say three.",
        &[('2', "claim"), ('3', "payment")],
    ),
    (
        Language::English,
        "Thank you for calling City Bank, to report a lost or stolen card, press 1. For account balances, press 2. To repeat these options, press the star key.",
        &[('1', "lost or stolen card"), ('2', "account balances"), ('*', "repeat")],
    ),
    (
        Language::English,
        "To speak with a representative, press zero now, or stay on the line.",
        &[('0', "representative")],
    ),
    (
        Language::English,
        "Dial 4 for the pharmacy. Dial 5 for the front desk.",
        &[('4', "pharmacy"), ('5', "front desk")],
    ),
    (
        Language::English,
        "For billing, press to. For technical help, press for.",
        &[('2', "billing"), ('4', "technical help")],
    ),
    (
        Language::English,
        "If you know your party's extension, you may dial it at any time. For appointments, select option 2. Otherwise, please hold.",
        &[('2', "appointments")],
    ),
    (
        Language::English,
        "To cancel your service, press 7. To go back to the main menu, press pound.",
        &[('7', "cancel"), ('#', "main menu")],
    ),
    (Language::English, "For English, press one. Para español, oprima el dos.", &[('1', "english")]),
    (Language::English, "Press the number 3 key for reservations.", &[('3', "reservations")]),
    (
        Language::English,
        "You have three options. Billing, press 1. Repairs, press 2. Anything else, press 3.",
        &[('1', "billing"), ('2', "repairs"), ('3', "anything else")],
    ),
    (
        Language::English,
        "We can call you back. To keep your place in line and receive a callback, press 1.",
        &[('1', "callback")],
    ),
    (Language::English, "Please say or enter your 16-digit account number, followed by the pound key.", &[]),
    (Language::English, "Your call is important to us. You are caller number 2 in the queue.", &[]),
    (Language::English, "Hello, this is Sarah. How can I help you today?", &[]),
    (
        Language::German,
        "Herzlich willkommen. Für Fragen zu Ihrer Rechnung drücken Sie bitte die Eins. Für technische Probleme drücken Sie die Zwei.",
        &[('1', "rechnung"), ('2', "technische probleme")],
    ),
    (
        Language::German,
        "Drücken Sie die 1 für den Vertrieb oder die 2 für den Kundendienst.",
        &[('1', "vertrieb"), ('2', "kundendienst")],
    ),
    (
        Language::English,
        "Press 1 for sales, 2 for support, or 3 for billing.",
        &[('1', "sales"), ('2', "support"), ('3', "billing")],
    ),
    (
        Language::German,
        "Wenn Sie eine Störung melden möchten, wählen Sie die drei. Wenn Sie mit einem Mitarbeiter sprechen möchten, wählen Sie die Null.",
        &[('3', "storung melden"), ('0', "mitarbeiter")],
    ),
    (
        Language::German,
        "Mit der Eins gelangen Sie zu Ihrem Vertrag, mit der Zwei zu Ihrer Bestellung.",
        &[('1', "vertrag"), ('2', "bestellung")],
    ),
    (
        Language::German,
        "Bei Fragen zu Lieferungen drücken Sie die Taste 4. Zum Hauptmenü kommen Sie mit der Raute-Taste.",
        &[('4', "lieferungen"), ('#', "hauptmenu")],
    ),
    (
        Language::German,
        "Um diese Ansage zu wiederholen, drücken Sie die Sterntaste.",
        &[('*', "ansage zu wiederholen")],
    ),
    (Language::German, "Für allgemeine Fragen wählen Sie die neun.", &[('9', "fragen")]),
    (
        Language::German,
        "Möchten Sie kündigen, drücken Sie die Fünf. Sind Sie umgezogen, drücken Sie die sechs.",
        &[('5', "kundigen"), ('6', "umgezogen")],
    ),
    (Language::German, "Ihr Anruf ist uns wichtig. Sie sind der zweite Anrufer in der Warteschlange.", &[]),
    (Language::German, "Wenn Sie einen Rückruf wünschen, drücken Sie jetzt die Eins.", &[('1', "ruckruf")]),
    (
        Language::French,
        "Pour toute question sur votre facture, tapez 1. Pour le service technique, tapez 2. Pour joindre un conseiller, appuyez sur la touche 0.",
        &[('1', "facture"), ('2', "service technique"), ('0', "conseiller")],
    ),
    (
        Language::French,
        "Tapez 1 pour les ventes, tapez 2 pour l'assistance.",
        &[('1', "ventes"), ('2', "assistance")],
    ),
    (
        Language::French,
        "Si vous souhaitez déclarer un sinistre, faites le trois. Pour revenir au menu principal, tapez étoile.",
        &[('3', "sinistre"), ('*', "menu principal")],
    ),
    (
        Language::Spanish,
        "Para ventas, marque uno. Para soporte técnico, marque dos. Para hablar con un agente, marque cero.",
        &[('1', "ventas"), ('2', "soporte tecnico"), ('0', "agente")],
    ),
    (
        Language::English,
        "You can check your balance by pressing one. For sales, option two. To hear more, press the pound sign.",
        &[('1', "check your balance"), ('2', "sales"), ('#', "hear more")],
    ),
    (
        Language::English,
        "Press the star key to go back, or the pound key to hear more options.",
        &[('*', "go back"), ('#', "hear more")],
    ),
    (
        Language::German,
        "Haben Sie Fragen zu Ihrem Vertrag, dann drücken Sie bitte die Eins. Bei technischen Problemen die Zwei. Für alles andere die Drei.",
        &[('1', "vertrag"), ('2', "technischen problemen"), ('3', "alles andere")],
    ),
    (
        Language::German,
        "Sie möchten Ihren Zählerstand mitteilen? Dann drücken Sie die Drei. Möchten Sie einen Termin absagen, so drücken Sie die 4.",
        &[('3', "zahlerstand mitteilen"), ('4', "termin absagen")],
    ),
    (
        Language::Spanish,
        "Oprima el 3 para consultar su saldo. Oprima el 4 para pagos.",
        &[('3', "saldo"), ('4', "pagos")],
    ),
    (
        Language::Spanish,
        "Si desea cancelar su servicio, pulse la tecla siete. Para repetir, pulse almohadilla.",
        &[('7', "cancelar"), ('#', "repetir")],
    ),
];

#[test]
fn menus_are_read() {
    let mut wrong = Vec::new();
    let mut options_total = 0;
    for (language, text, expected) in MENUS {
        let found = options(text, *language);
        options_total += expected.len();
        let right = expected
            .iter()
            .all(|(key, words)| found.iter().any(|c| c.key == *key && c.label.contains(words)));
        // A label ends where the next begins.
        let short = found.iter().all(|choice| choice.label.split(' ').count() <= 9);
        if !right || !short || expected.is_empty() != found.is_empty() {
            wrong.push(format!("{text}\n    {found:?}"));
        }
    }
    assert!(options_total > 50);
    assert!(wrong.is_empty(), "{} of {} wrong\n{}", wrong.len(), MENUS.len(), wrong.join("\n"));
}

#[test]
fn a_key_is_told_once_and_an_unexplained_one_without_label() {
    let found = options("Press 5. For sales, press 1. Again, for sales, press 1.", Language::English);
    assert_eq!(found[0], Choice { key: '5', label: String::new() });
    assert_eq!(found.iter().filter(|choice| choice.key == '1').count(), 1);
}
