//! The closed vocabularies of the contract. Each code is stable: it is stored, sent and documented.

use crate::domain::problem::Invalid;

/// Declares an enumeration whose variants have stable codes, with `ALL`, `code`, `parse`, serde and `Display` by code.
macro_rules! vocabulary {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $code:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $name {
            /// Every value, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// Reads a code; the error lists the codes allowed.
            pub fn parse(code: &str) -> Result<Self, Invalid> {
                match code {
                    $($code => Ok(Self::$variant),)+
                    _ => Err(Invalid::new("unknown_value", concat!("unknown ", stringify!($name)))
                        .allowed([$($code),+].join(", "))),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.code()) }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.serialize_str(self.code()) }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let code = std::borrow::Cow::<'de, str>::deserialize(d)?;
                Self::parse(&code).map_err(serde::de::Error::custom)
            }
        }
    };
}

vocabulary! {
    /// What was filed. A submission of both kinds becomes two linked cases (Order 121 Art 9).
    Kind {
        /// 投诉: a consumer's dispute with a merchant (Art 3).
        Complaint = "complaint",
        /// 举报: anyone's clue of a violation (Art 3).
        Report = "report",
    }
}

vocabulary! {
    /// Part of a case in a group of complaints that are handled together (Order 121 Art 12).
    Part {
        /// Speaks for itself.
        Own = "own",
        /// Is spoken for by the two whom its consumer chose.
        Represented = "represented",
        /// Its consumer is one of the two.
        Representative = "representative",
    }
}

vocabulary! {
    /// What the members of a group are asked.
    Question {
        /// Whether to be handled together at all.
        Joining = "joining",
        /// The two who are to speak for them whether they will; then the others whether they choose them.
        Representatives = "representatives",
        /// Whether to settle on these terms.
        Settlement = "settlement",
    }
}

vocabulary! {
    /// Where a case stands in a group.
    Membership {
        /// Was asked, and hasn't answered.
        Asked = "asked",
        /// Agreed.
        Agreed = "agreed",
        /// Goes on alone: declined, left, or was taken out.
        Gone = "gone",
    }
}

vocabulary! {
    /// How an answer was given.
    AnswerWay {
        /// By the consumer, signed in to the case.
        Online = "online",
        /// On paper.
        Written = "written",
        /// By telephone.
        Phone = "phone",
        /// At the counter.
        InPerson = "in_person",
    }
}

vocabulary! {
    /// Where a case stands.
    State {
        /// Taken in, not yet given to anyone.
        Received = "received",
        /// The classifier abstained or no rule routes it: a dispatcher decides.
        Triage = "triage",
        /// The parties try to settle, helped by a station.
        Negotiating = "negotiating",
        /// With the office that is to decide.
        Dispatched = "dispatched",
        /// Sent back to the dispatcher by a unit without competence (Art 41).
        Returned = "returned",
        /// The office waits for proof of identity (Art 10).
        IdRequested = "id_requested",
        /// Accepted (Art 15).
        Accepted = "accepted",
        /// In mediation (Art 18).
        Mediating = "mediating",
        /// Mediation stands still: testing (Art 22) or recusal (Art 21).
        Suspended = "suspended",
        /// A report is being verified.
        Verifying = "verifying",
        /// The parties agreed.
        Settled = "settled",
        /// Mediation ended without agreement (Art 23).
        Terminated = "terminated",
        /// Not accepted (Art 16).
        Refused = "refused",
        /// Taken back by the complainant.
        Withdrawn = "withdrawn",
        /// Handed to a body outside: police, court, another authority.
        Transferred = "transferred",
        /// A report led to a case being filed (立案).
        Filed = "filed",
        /// A report led to no filing.
        NotFiled = "not_filed",
        /// Continued in another case (Art 35, repeat reports; joint complaints, Art 12).
        Merged = "merged",
    }
}

impl State {
    /// Whether a complaint is between acceptance and its end.
    pub const fn is_accepted(self) -> bool {
        matches!(self, Self::Accepted | Self::Mediating | Self::Suspended)
    }

    /// Whether the case has come to an end; what is left then is to rate, to tell the parties, to note, and to reopen.
    pub const fn is_end(self) -> bool {
        matches!(
            self,
            Self::Settled
                | Self::Terminated
                | Self::Refused
                | Self::Withdrawn
                | Self::Transferred
                | Self::Filed
                | Self::NotFiled
                | Self::Merged
        )
    }
}

vocabulary! {
    /// The steps that a case can take; `file` is the first of every case.
    Action {
        /// The filing itself.
        File = "file",
        /// Gives the case to an office.
        Dispatch = "dispatch",
        /// Sends it back to the dispatcher (Art 41).
        Return = "return",
        /// The common superior names the office (Art 33).
        Designate = "designate",
        /// Ends the station's turn; the office begins.
        HandOver = "hand_over",
        /// Asks for proof of identity (Art 10).
        RequestId = "request_id",
        /// The proof of identity comes in.
        Supply = "supply",
        /// Accepts (Art 15).
        Accept = "accept",
        /// Refuses on a ground of the rule version (Art 16).
        Refuse = "refuse",
        /// A party consents to mediation or declines (Art 18, 19).
        RecordConsent = "record_consent",
        /// Opens mediation.
        StartMediation = "start_mediation",
        /// Lets mediation rest.
        Suspend = "suspend",
        /// Takes it up again.
        Resume = "resume",
        /// Records an agreement.
        Settle = "settle",
        /// Ends mediation without agreement (Art 23).
        Terminate = "terminate",
        /// The complainant takes the case back.
        Withdraw = "withdraw",
        /// Hands it to a body outside.
        Transfer = "transfer",
        /// Begins to verify a report.
        Verify = "verify",
        /// Prolongs the time to verify a report, with the head's approval.
        Extend = "extend",
        /// Decides whether a report leads to a filing (立案).
        DecideFiling = "decide_filing",
        /// Splits off a linked case of the other kind (Art 9).
        Split = "split",
        /// Links cases.
        Link = "link",
        /// Continues this case in another.
        MergeInto = "merge_into",
        /// The complainant's judgement of the handling.
        Rate = "rate",
        /// Opens an ended case again, once.
        Reopen = "reopen",
        /// Gives the case to a person in the unit.
        Assign = "assign",
        /// An internal note.
        Note = "note",
        /// The complainant or staff remind the unit.
        Remind = "remind",
        /// 催办.
        Urge = "urge",
        /// 督办.
        Supervise = "supervise",
        /// 通报: told around, because it still isn't done after supervision.
        Circulate = "circulate",
        /// Both sides have been told of the end of an accepted complaint (Art 23 ¶2).
        Inform = "inform",
        /// A file of evidence was added.
        Attach = "attach",
        /// A document was issued at someone's request.
        Issue = "issue",
        /// A document was delivered.
        Deliver = "deliver",
        /// What is kept of the complainant was asked to be put right, or was (PIPL Art 46).
        Correct = "correct",
        /// Asked to be handled together with others, agreed, chosen, left (Art 12).
        Join = "join",
        /// The system counts the clocks anew after a calendar was loaded.
        Recompute = "recompute",
    }
}

vocabulary! {
    /// Who acts.
    Role {
        /// The person who filed.
        Consumer = "consumer",
        /// The respondent.
        Merchant = "merchant",
        /// Staff of a station.
        Station = "station",
        /// Staff of an office.
        Officer = "officer",
        /// Gives cases to offices.
        Dispatcher = "dispatcher",
        /// Superior of the offices of a division subtree.
        Supervisor = "supervisor",
        /// Reads the audit.
        Auditor = "auditor",
        /// Runs the installation; sees no case.
        Admin = "admin",
        /// The service itself.
        System = "system",
    }
}

vocabulary! {
    /// How a case came in.
    Channel {
        /// The pages of this service.
        Web = "web",
        /// An app over the API.
        App = "app",
        /// By phone, entered by staff.
        Phone = "phone",
        /// At a counter.
        Counter = "counter",
        /// By letter.
        Letter = "letter",
        /// The 12345 hotline.
        Hotline12345 = "hotline_12345",
        /// The national 12315 platform.
        Platform12315 = "platform_12315",
        /// Open311.
        Open311 = "open311",
        /// A file.
        Import = "import",
    }
}

vocabulary! {
    /// What the complainant asks for: the seven of the registration form, and other.
    Demand {
        /// 修理
        Repair = "repair",
        /// 重作
        Remake = "remake",
        /// 更换
        Replace = "replace",
        /// 退货
        Return = "return",
        /// 补足商品数量
        MakeUpQuantity = "make_up_quantity",
        /// 退还货款和服务费用
        Refund = "refund",
        /// 赔偿损失
        Compensation = "compensation",
        /// 其他
        Other = "other",
    }
}

vocabulary! {
    /// Language of the person: chooses the texts, changes no rule.
    Lang {
        /// Chinese, the default.
        Zh = "zh",
        /// English.
        En = "en",
    }
}

vocabulary! {
    /// The procedure that binds an office.
    Regime {
        /// 市场监督管理投诉举报处理办法 (Order 20, Order 121).
        MarketRegulation = "market_regulation",
        /// 消保法 Art 46: every other department.
        OtherDepartments = "other_departments",
    }
}

vocabulary! {
    /// How a dispute was settled. Self-settlement once accepted is in law a termination (T23_1), in the statistics a success.
    Outcome {
        /// 自行和解
        SelfSettled = "self_settled",
        /// 调解成功
        Mediated = "mediated",
    }
}

vocabulary! {
    /// Whose word the sector is.
    SectorSource {
        /// The classifier's.
        Machine = "machine",
        /// The filer's own choice.
        Person = "person",
        /// Confirmed or corrected by staff.
        Staff = "staff",
    }
}

vocabulary! {
    /// The part that someone has in a case.
    PartyRole {
        /// 投诉人, or the reporter of a report.
        Complainant = "complainant",
        /// 被投诉人
        Respondent = "respondent",
        /// 委托代理人 (Art 11)
        Agent = "agent",
        /// 代表人 of a joint complaint (Art 12), two at most.
        Representative = "representative",
        /// 平台经营者
        Platform = "platform",
    }
}

impl PartyRole {
    /// Whether this is who files, or who speaks for them.
    pub const fn is_filer(self) -> bool {
        match self {
            Self::Complainant | Self::Agent | Self::Representative => true,
            Self::Respondent | Self::Platform => false,
        }
    }
}

vocabulary! {
    /// A time limit that can run on a case. Lengths, starts and articles are in the rule files.
    ClockKind {
        /// Accept or refuse, and tell (Art 15).
        Accept = "ACCEPT",
        /// Process and inform, other departments (消保法 Art 46).
        OtherDept = "OTHER_DEPT",
        /// Proof of identity, by the date that the officer set.
        IdProof = "ID_PROOF",
        /// Reach an agreement (Art 23(5)).
        Mediate = "MEDIATE",
        /// Tell both sides of the end (Art 23 ¶2).
        Notify = "NOTIFY",
        /// Verify a clue found in mediation (Art 27).
        ClueVerify = "CLUE_VERIFY",
        /// Verify a report and decide on filing.
        ReportFile = "REPORT_FILE",
        /// Settle a dispute over competence (Art 33).
        CompetenceDispute = "COMPETENCE_DISPUTE",
        /// A station makes contact; policy, not law.
        StationContact = "STATION_CONTACT",
        /// A station comes to an end; policy, not law.
        StationEnd = "STATION_END",
    }
}

vocabulary! {
    /// How far a time limit has been escalated (policy of this service, after the practice of the hotlines).
    Stage {
        /// 提醒: the unit is reminded before the last day.
        Reminded = "reminded",
        /// 催办: on the last day.
        Urged = "urged",
        /// 督办: by the superior, after it.
        Supervised = "supervised",
        /// 通报: told around, when it is still not done.
        Circulated = "circulated",
    }
}

impl Stage {
    /// Its number, from 1: what a clock's row is found by.
    pub const fn number(self) -> i16 {
        match self {
            Self::Reminded => 1,
            Self::Urged => 2,
            Self::Supervised => 3,
            Self::Circulated => 4,
        }
    }
}

vocabulary! {
    /// How a notice goes out.
    NoticeChannel {
        /// By e-mail.
        Email = "email",
        /// By text message.
        Sms = "sms",
        /// By HTTP to a subscriber.
        Webhook = "webhook",
    }
}

vocabulary! {
    /// To whom a notice goes.
    Audience {
        /// The complainant or reporter of the case.
        Complainant = "complainant",
        /// The respondent of the case.
        Respondent = "respondent",
        /// A person who proves an address, without a case.
        Person = "person",
        /// A system that subscribed.
        Subscriber = "subscriber",
    }
}

vocabulary! {
    /// What an office issues in writing (forms of Order 121).
    DocumentKind {
        /// 投诉登记表
        ComplaintRegistration = "complaint_registration",
        /// 举报登记表
        ReportRegistration = "report_registration",
        /// 分送通知书 (Art 41)
        Distribution = "distribution",
        /// 限期提供身份证明材料通知书 (Art 10)
        IdRequest = "id_request",
        /// 受理决定书 (Art 15)
        Acceptance = "acceptance",
        /// 不予受理决定书 (Art 15, 16)
        Refusal = "refusal",
        /// 调解通知书 (Art 20)
        MediationNotice = "mediation_notice",
        /// 终止调解决定书 (Art 23)
        Termination = "termination",
        /// 调解书 (Art 24)
        MediationAgreement = "mediation_agreement",
        /// 举报处理结果告知书 (Art 36)
        ReportResult = "report_result",
    }
}

vocabulary! {
    /// How a document reached whom it is for.
    Delivery {
        /// By hand, on the spot.
        InPerson = "in_person",
        /// By letter.
        Letter = "letter",
        /// By e-mail.
        Email = "email",
        /// By text message.
        Sms = "sms",
        /// Read out on the phone.
        Phone = "phone",
        /// On the internet: these pages, or the national platform.
        Internet = "internet",
    }
}
