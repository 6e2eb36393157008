"""What the demonstration forum is made of.

Agencies, associations and programmes are real; every start-up, fund, company, university, medium and
person is made up, says so on its page, and has an address that ends in .example.
"""

from typing import NamedTuple

from forum_app.organizations.models import Kind


class Org(NamedTuple):
    """slug, names, reading, short name, kind, country, technology areas, one line in both languages."""

    slug: str
    name_en: str
    name_ja: str
    kana: str
    short: str
    kind: Kind
    country: str
    areas: tuple[str, ...]
    line_en: str
    line_ja: str


A, S, V, G, P, U, N, F, M = (
    Kind.AGENCY,
    Kind.STARTUP,
    Kind.VENTURE_CAPITAL,
    Kind.GOVERNMENT_INVESTOR,
    Kind.PRIME,
    Kind.UNIVERSITY,
    Kind.ASSOCIATION,
    Kind.FACILITATOR,
    Kind.PRESS,
)

# fmt: off
REAL_ORGANIZATIONS = (
    Org("diu", "Defense Innovation Unit", "米国防イノベーションユニット", "ベイコクボウイノベーションユニット", "DIU", A, "US", ("ai", "unmanned_aircraft", "space", "cyber", "energy"), "Brings commercial technology to U.S. forces through open solicitations and prototype awards.", "公募とプロトタイプ契約により、民生技術を米軍に取り入れています。"),
    Org("ousd-as", "Office of the Under Secretary of Defense for Acquisition and Sustainment", "米国防次官室(取得・維持整備担当)", "ベイコクボウジカンシツ", "OUSD(A&S)", A, "US", ("materials", "energy"), "Co-chairs the DICAS Forum with the Commissioner of ATLA.", "防衛装備庁長官とともにDICASフォーラムの共同議長を務めています。"),
    Org("nsc", "National Security Council", "米国家安全保障会議", "ベイコッカアンゼンホショウカイギ", "NSC", A, "US", (), "Advises the President of the United States on national security.", "国家安全保障について米大統領に助言する機関です。"),
    Org("dcma", "Defense Contract Management Agency", "米国防契約管理庁", "ベイコクボウケイヤクカンリチョウ", "DCMA", A, "US", ("materials",), "Oversees contracts and the quality of deliveries.", "契約の履行と納入品質を監督しています。"),
    Org("atla", "Acquisition, Technology & Logistics Agency", "防衛装備庁", "ボウエイソウビチョウ", "ATLA", A, "JP", ("robotics", "sensing", "unmanned_aircraft", "quantum"), "Japan's agency for defense equipment, from research to sustainment.", "研究開発から維持整備まで、防衛装備品を一元的に担う機関です。"),
    Org("disti", "Defense Innovation Science & Technology Institute", "防衛イノベーション科学技術研究所", "ボウエイイノベーションカガクギジュツケンキュウショ", "DISTI", A, "JP", ("ai", "quantum", "sensing"), "Within ATLA since October 2024; breakthrough research and prize challenges.", "2024年10月に防衛装備庁に設置。ブレークスルー研究や懸賞型の公募を進めています。"),
    Org("meti", "Ministry of Economy, Trade and Industry", "経済産業省", "ケイザイサンギョウショウ", "METI", A, "JP", ("ai", "space", "robotics", "materials"), "Runs J-StarX and, with ATLA, the joint promotion committee.", "J-StarXを運営し、防衛装備庁と合同推進会議を開催しています。"),
    Org("mod", "Ministry of Defense", "防衛省", "ボウエイショウ", "MOD", A, "JP", ("unmanned_aircraft", "cyber", "satellites"), "States equipment needs under the dual-use start-up framework.", "デュアルユース・スタートアップの枠組みで装備品のニーズを示しています。"),
    Org("jsdf", "Japan Self-Defense Forces", "自衛隊", "ジエイタイ", "JSDF", A, "JP", ("unmanned_aircraft", "sensing"), "Uses and examines what the programmes bring forward.", "各施策が生み出す技術を運用者として検証しています。"),
    Org("iqt", "IQT (In-Q-Tel)", "IQT(インキューテル)", "インキューテル", "IQT", G, "US", ("ai", "biotechnology", "energy", "space", "sensing"), "Invests from very early stages in nearly 20 countries.", "約20か国で、ごく初期の段階から投資しています。"),
    Org("jadi", "Japan Association of Defense Industry", "日本防衛装備工業会", "ニホンボウエイソウビコウギョウカイ", "JADI", N, "JP", ("materials",), "The association of Japan's defense equipment industry.", "日本の防衛装備産業の業界団体です。"),
    Org("sjac", "Society of Japanese Aerospace Companies", "日本航空宇宙工業会", "ニホンコウクウウチュウコウギョウカイ", "SJAC", N, "JP", ("space", "satellites"), "The association of Japan's aerospace industry.", "日本の航空宇宙産業の業界団体です。"),
    Org("keidanren", "Keidanren (Japan Business Federation)", "日本経済団体連合会", "ニホンケイザイダンタイレンゴウカイ", "Keidanren", N, "JP", (), "Japan's federation of business.", "日本の総合経済団体です。"),
)

FICTIONAL_ORGANIZATIONS = (
    Org("hayabusa-robotics", "Hayabusa Robotics K.K.", "株式会社はやぶさロボティクス", "ハヤブサロボティクス", "", S, "JP", ("robotics", "ai"), "Inspection robots that climb hulls and tanks without scaffolding.", "足場なしで船体やタンクを登る点検ロボットを開発しています。"),
    Org("kazeyomi", "Kazeyomi Inc.", "株式会社かぜよみ", "カゼヨミ", "", S, "JP", ("sensing", "ai"), "Wind seen ten minutes ahead by compact Doppler lidar.", "小型ドップラーライダーで10分先の風を捉えます。"),
    Org("mizuho-fusion-magnets", "Minori Fusion Magnets Co., Ltd.", "みのり核融合マグネット株式会社", "ミノリカクユウゴウマグネット", "", S, "JP", ("energy", "materials"), "High-field magnets wound from superconducting tape.", "超伝導テープを用いた高磁場マグネットを製造しています。"),
    Org("tsubame-aero", "Tsubame Aero Systems", "つばめエアロシステムズ合同会社", "ツバメエアロシステムズ", "", S, "JP", ("unmanned_aircraft", "sensing"), "Long-endurance observation aircraft that fit in a van.", "ワゴン車に載る長時間観測無人機を開発しています。"),
    Org("hoshizora-optics", "Hoshizora Optics", "株式会社星空オプティクス", "ホシゾラオプティクス", "", S, "JP", ("satellites", "space"), "Laser links between small satellites.", "小型衛星間のレーザー通信を実現します。"),
    Org("kaede-quantum", "Kaede Quantum", "かえで量子株式会社", "カエデリョウシ", "", S, "JP", ("quantum",), "Quantum sensors for navigation without satellites.", "衛星に頼らない航法のための量子センサーを開発しています。"),
    Org("nagi-marine", "Nagi Marine AI", "なぎマリンAI株式会社", "ナギマリンエーアイ", "", S, "JP", ("ai", "sensing"), "Underwater sound classified on the buoy itself.", "水中音をブイ上で即時に識別します。"),
    Org("aoba-bio", "Aoba Biologics", "あおばバイオロジクス株式会社", "アオババイオロジクス", "", S, "JP", ("biotechnology",), "Freeze-dried plasma made on demand.", "必要な時に製造できる凍結乾燥血漿を開発しています。"),
    Org("sumi-materials", "Sumi Materials", "株式会社炭マテリアル", "スミマテリアル", "", S, "JP", ("materials",), "Ceramic composites for engines, cured in a day.", "1日で焼成できるエンジン用セラミック複合材を製造します。"),
    Org("tategami-security", "Tategami Security", "たてがみセキュリティ株式会社", "タテガミセキュリティ", "", S, "JP", ("cyber",), "Finds firmware that is not what it says it is.", "ファームウェアの改ざんを見つけ出します。"),
    Org("yukimichi", "Yukimichi Mobility", "雪道モビリティ株式会社", "ユキミチモビリティ", "", S, "JP", ("robotics",), "Unmanned ground vehicles for snow and mud.", "雪と泥に強い無人地上車両を開発しています。"),
    Org("hibari-space", "Hibari Space", "ひばりスペース株式会社", "ヒバリスペース", "", S, "JP", ("space", "satellites"), "Rides to orbit for payloads under fifty kilograms.", "50キログラム以下の衛星を軌道へ運びます。"),
    Org("mori-sensing", "Mori Sensing", "森センシング株式会社", "モリセンシング", "", S, "JP", ("sensing",), "Foliage-penetrating radar on a drone.", "樹木を透過するドローン搭載レーダーを開発しています。"),
    Org("kawasemi", "Kawasemi Dynamics", "かわせみダイナミクス株式会社", "カワセミダイナミクス", "", S, "JP", ("unmanned_aircraft",), "Aircraft that dive, swim and take off again.", "水中と空中を行き来する無人機を開発しています。"),
    Org("shiosai-energy", "Shiosai Energy", "潮騒エナジー株式会社", "シオサイエナジー", "", S, "JP", ("energy",), "Wave power for remote islands and stations.", "離島や観測拠点のための波力発電を手がけています。"),
    Org("long-name-institute", "Next-Generation Autonomous Maritime Observation and Communications Technologies", "次世代自律型海洋観測通信技術総合研究開発ソリューションズ株式会社", "ジセダイジリツガタカイヨウカンソクツウシンギジュツソウゴウケンキュウカイハツソリューションズ", "NAMOCT", S, "JP", ("robotics", "sensing", "satellites"), "Buoys that talk to satellites and to each other.", "衛星とも互いとも通信するブイを開発しています。"),
    Org("ridgeline-autonomy", "Ridgeline Autonomy, Inc.", "リッジライン・オートノミー", "リッジラインオートノミー", "", S, "US", ("ai", "unmanned_aircraft"), "Teams of drones that plan for themselves.", "自ら計画を立てるドローン群を開発しています。"),
    Org("copperfield-labs", "Copperfield Labs", "カッパーフィールド・ラボ", "カッパーフィールドラボ", "", S, "US", ("cyber", "ai"), "Red-team agents for industrial networks.", "産業用ネットワークの攻撃検証を自動化します。"),
    Org("bluewater-additive", "Bluewater Additive", "ブルーウォーター・アディティブ", "ブルーウォーターアディティブ", "", S, "US", ("materials", "robotics"), "Ship parts printed and certified at the pier.", "岸壁で造形し認証まで行う船舶部品を提供します。"),
    Org("stillpoint-quantum", "Stillpoint Quantum", "スティルポイント・クオンタム", "スティルポイントクオンタム", "", S, "US", ("quantum", "sensing"), "Cold-atom gravimeters on a moving deck.", "揺れる船上で使える冷却原子重力計を開発しています。"),
    Org("larkspur-bio", "Larkspur Bio", "ラークスパー・バイオ", "ラークスパーバイオ", "", S, "US", ("biotechnology",), "Breath tests for exposure to chemical agents.", "呼気から化学剤への曝露を検査します。"),
    Org("helio-forge", "Helio Forge", "ヘリオ・フォージ", "ヘリオフォージ", "", S, "US", ("energy", "materials"), "Power blankets for camps without fuel convoys.", "燃料輸送のいらない野営用電源を提供します。"),
    Org("tern-satellite", "Tern Satellite", "ターン・サテライト", "ターンサテライト", "", S, "US", ("satellites", "sensing"), "Radar images of ships every twenty minutes.", "20分ごとに船舶のレーダー画像を提供します。"),
    Org("granite-peak-robotics", "Granite Peak Robotics", "グラナイト・ピーク・ロボティクス", "グラナイトピークロボティクス", "", S, "US", ("robotics",), "Arms that load aircraft without a crew.", "無人で航空機に積み込むロボットアームを開発しています。"),
    Org("kumo-networks", "Kumo Networks", "くもネットワークス株式会社", "クモネットワークス", "", S, "JP", ("cyber", "satellites"), "Radio networks that hide in the noise.", "雑音に紛れる無線ネットワークを構築します。"),
    Org("asagao-ai", "Asagao AI", "あさがおAI株式会社", "アサガオエーアイ", "", S, "JP", ("ai",), "Speech between Japanese and English, on the device.", "端末上で完結する日英音声通訳を開発しています。"),
    Org("inaho-ventures", "Inaho Ventures", "いなほベンチャーズ", "イナホベンチャーズ", "", V, "JP", ("ai", "robotics"), "Seed funding; its fund agreement forbids weapons-related business.", "シード投資を行っています。組合契約により武器関連事業への投資はできません。"),
    Org("kitanomaru-capital", "Kitanomaru Capital", "北の丸キャピタル", "キタノマルキャピタル", "", V, "JP", ("space", "materials"), "Deep-tech funds for companies leaving the laboratory.", "研究室から生まれた企業に投資しています。"),
    Org("campus-gap-fund", "Campus Gap Fund Tokyo", "キャンパス・ギャップファンド東京", "キャンパスギャップファンドトウキョウ", "", V, "JP", ("quantum", "biotechnology"), "Bridges university research to a first product.", "大学の研究と最初の製品の間をつなぐ資金を提供します。"),
    Org("potomac-seed", "Potomac Seed Partners", "ポトマック・シード・パートナーズ", "ポトマックシードパートナーズ", "", V, "US", ("cyber", "ai"), "First cheques for founders who have served.", "国に仕えた経験のある創業者に最初の資金を提供します。"),
    Org("cascadia-frontier", "Cascadia Frontier Fund", "カスケディア・フロンティア・ファンド", "カスケディアフロンティアファンド", "", V, "US", ("energy", "space"), "Growth capital for dual-use companies.", "デュアルユース企業に成長資金を提供します。"),
    Org("setouchi-growth", "Setouchi Growth", "瀬戸内グロース投資", "セトウチグローストウシ", "", V, "JP", ("robotics", "sensing"), "Regional capital for makers of machines.", "地域のものづくり企業に投資しています。"),
    Org("fujimine-heavy", "Fujimine Heavy Industries, Ltd.", "富士峰重工業株式会社", "フジミネジュウコウギョウ", "", P, "JP", ("unmanned_aircraft", "materials"), "Ships, engines and aircraft.", "船舶、エンジン、航空機を製造しています。"),
    Org("tokai-electronics", "Tokai Electronics Corporation", "東海電子株式会社", "トウカイデンシ", "", P, "JP", ("sensing", "cyber"), "Radars and command systems.", "レーダーと指揮システムを製造しています。"),
    Org("musashi-aerospace", "Musashi Aerospace", "武蔵航空宇宙株式会社", "ムサシコウクウウチュウ", "", P, "JP", ("space", "satellites"), "Airframes and satellites.", "機体と人工衛星を製造しています。"),
    Org("meridian-defense", "Meridian Defense Systems", "メリディアン・ディフェンス・システムズ", "メリディアンディフェンスシステムズ", "", P, "US", ("ai", "sensing"), "Integrates sensors across services.", "軍種をまたぐセンサー統合を手がけています。"),
    Org("hartwell-aviation", "Hartwell Aviation", "ハートウェル航空", "ハートウェルコウクウ", "", P, "US", ("unmanned_aircraft",), "Aircraft sustainment in five countries.", "5か国で航空機の維持整備を行っています。"),
    Org("kaiyo-shipyards", "Kaiyo Shipyards", "海陽造船株式会社", "カイヨウゾウセン", "", P, "JP", ("materials", "robotics"), "Repairs naval and merchant ships.", "艦艇と商船の修理を行っています。"),
    Org("east-bay-institute", "East Bay Institute of Technology", "東湾工科大学", "トウワンコウカダイガク", "", U, "JP", ("quantum", "robotics"), "A university of engineering by the bay.", "湾岸の工科系大学です。"),
    Org("sagano-university", "Sagano University", "嵯峨野大学", "サガノダイガク", "", U, "JP", ("biotechnology", "materials"), "Some of its research awards forbid military use.", "研究助成の一部は軍事利用を認めていません。"),
    Org("mount-vernon-tech", "Mount Vernon Tech", "マウントバーノン工科大学", "マウントバーノンコウカダイガク", "", U, "US", ("ai", "cyber"), "Applied research with industry.", "産業界と応用研究を進めています。"),
    Org("northern-lights-lab", "Northern Lights Laboratory", "北極光研究所", "ホッキョクコウケンキュウショ", "", U, "US", ("sensing", "space"), "Sensing in the Arctic.", "北極圏でのセンシングを研究しています。"),
    Org("shimanami-institute", "Shimanami Marine Institute", "しまなみ海洋研究所", "シマナミカイヨウケンキュウショ", "", U, "JP", ("sensing", "energy"), "Oceanography for practice.", "実用に資する海洋学を研究しています。"),
    Org("hashiwatashi", "Hashiwatashi Advisors", "橋渡しアドバイザーズ", "ハシワタシアドバイザーズ", "", F, "JP", (), "Retired officers who open doors.", "退官者が両国の橋渡しをします。"),
    Org("kotoba-interpreters", "Kotoba Interpreters", "ことば通訳社", "コトバツウヤクシャ", "", F, "JP", (), "Interpreters for technology and government.", "技術と行政の通訳を専門としています。"),
    Org("potomac-review", "The Potomac Review", "ポトマック・レビュー", "ポトマックレビュー", "", M, "US", (), "Writes about defense and industry.", "防衛と産業を伝える媒体です。"),
    Org("tokyo-gijutsu-shimbun", "Tokyo Gijutsu Shimbun", "東京技術新聞", "トウキョウギジュツシンブン", "", M, "JP", (), "A daily paper on technology.", "技術の日刊紙です。"),
)

# Latin, native, reading
FAMILY_NAMES = (
    ("Sato", "佐藤", "サトウ"), ("Suzuki", "鈴木", "スズキ"), ("Takahashi", "髙橋", "タカハシ"),
    ("Tanaka", "田中", "タナカ"), ("Ito", "伊藤", "イトウ"), ("Watanabe", "渡邊", "ワタナベ"),
    ("Yamamoto", "山本", "ヤマモト"), ("Nakamura", "中村", "ナカムラ"), ("Kobayashi", "小林", "コバヤシ"),
    ("Kato", "加藤", "カトウ"), ("Yoshida", "吉田", "ヨシダ"), ("Yamada", "山田", "ヤマダ"),
    ("Sasaki", "佐々木", "ササキ"), ("Matsumoto", "松本", "マツモト"), ("Inoue", "井上", "イノウエ"),
    ("Kimura", "木村", "キムラ"), ("Hayashi", "林", "ハヤシ"), ("Saito", "齋藤", "サイトウ"),
    ("Shimizu", "清水", "シミズ"), ("Mori", "森", "モリ"),
)
GIVEN_NAMES = (
    ("Haruka", "遥", "ハルカ"), ("Kenta", "健太", "ケンタ"), ("Misaki", "美咲", "ミサキ"),
    ("Daisuke", "大輔", "ダイスケ"), ("Yuki", "由紀", "ユキ"), ("Sho", "翔", "ショウ"),
    ("Naoko", "直子", "ナオコ"), ("Makoto", "誠", "マコト"), ("Aya", "彩", "アヤ"),
    ("Takuya", "拓也", "タクヤ"), ("Rin", "凛", "リン"),
)
US_NAMES = (
    "Maria Alvarez", "James Whitfield", "Grace Okafor", "Daniel Cho", "Rebecca Stone", "Marcus Bell",
    "Priya Raman", "Thomas Nguyen", "Elena Petrova", "William Hart", "Sofia Marino", "Andre Wallace",
    "Hannah Fischer", "Luis Ortega", "Caroline Reed", "Samuel Adeyemi", "Julia Park", "Robert Kane",
    "Nadia Haddad", "Peter Lindqvist", "Angela Torres", "Michael Shaw", "Olivia Grant", "Kevin Tran",
)
JOBS = {
    A: (("Program manager", "プログラムマネージャー"), ("Deputy director", "室長補佐"), ("Director", "課長")),
    S: (("Founder and CEO", "代表取締役"), ("Chief technology officer", "最高技術責任者"), ("Business development", "事業開発担当")),
    V: (("Partner", "パートナー"), ("Principal", "プリンシパル")),
    G: (("Investment partner", "投資パートナー"), ("Technology scout", "技術調査担当")),
    P: (("Head of partnerships", "協業推進部長"), ("Chief engineer", "主任技師")),
    U: (("Professor", "教授"), ("Research liaison", "産学連携担当")),
    N: (("Secretary general", "事務局長"), ("Manager", "部長")),
    F: (("Senior adviser", "上席顧問"), ("Interpreter", "通訳者")),
    M: (("Correspondent", "記者"), ("Editor", "編集委員")),
}


class Item(NamedTuple):
    """day (0, 1), start HH:MM in Tokyo, minutes, room (0..3), kind, access, track, languages, titles, speakers."""

    day: int
    start: str
    minutes: int
    room: int
    kind: str
    access: str
    track: int | None
    language: str
    title_en: str
    title_ja: str
    speakers: tuple[str, ...]  # slugs of organizations whose people speak


ROOMS = (
    ("Main Hall", "大ホール", "2F", 400),
    ("Pitch Stage", "ピッチステージ", "2F", 150),
    ("Seminar Room", "セミナー室", "3F", 80),
    ("Secure Room", "特別会議室", "5F", 24),
)
TRACKS = (("Policy", "政策", 1), ("Procurement pathways", "調達への道筋", 3), ("Technology", "技術", 5), ("Pitches", "ピッチ", 7))

ITEMS = (
    Item(0, "09:00", 30, 0, "networking", "registered", None, "", "Doors open and coffee", "開場・コーヒー", ()),
    Item(0, "09:30", 15, 0, "talk", "public", 0, "en-ja", "Opening remarks", "開会挨拶", ("keidanren", "meti")),
    Item(0, "09:45", 45, 0, "keynote", "public", 0, "en-ja", "Keynote: Building together what neither builds alone", "基調講演 一国では作れないものを共に作る", ("atla", "ousd-as")),
    Item(0, "10:30", 20, 0, "break", "public", None, "", "Break", "休憩", ()),
    Item(0, "10:50", 60, 0, "panel", "public", 1, "en-ja", "Panel: From a first meeting to a contract", "パネル討論 最初の面談から契約まで", ("diu", "iqt", "meti", "hayabusa-robotics")),
    Item(0, "10:50", 60, 2, "workshop", "registered", 1, "en-ja", "Workshop: Writing five pages that DIU will read", "実習 DIUに読まれる5ページの書き方", ("diu",)),
    Item(0, "11:50", 70, 0, "break", "public", None, "", "Lunch", "昼食", ()),
    Item(0, "13:00", 75, 1, "pitch_block", "public", 3, "en-ja", "Pitches 1: Sensing and unmanned systems", "ピッチ1 センシングと無人システム", ()),
    Item(0, "13:00", 60, 2, "talk", "registered", 1, "en", "Foreign Comparative Testing, explained", "海外比較試験(FCT)の解説", ("ousd-as",)),
    Item(0, "13:00", 90, 3, "closed_session", "government", 0, "en-ja", "Government session: Ship repair capacity", "政府間会合 艦船修理の体制", ("atla", "ousd-as")),
    Item(0, "14:10", 45, 2, "talk", "registered", 1, "ja", "SBIR and the Innovative Science and Technology Initiative", "SBIRと安全保障技術研究推進制度", ("disti",)),
    Item(0, "14:20", 60, 0, "panel", "public", 2, "en-ja", "Panel: Autonomy at sea", "パネル討論 海の自律化", ("jsdf", "nagi-marine", "meridian-defense")),
    Item(0, "15:20", 20, 0, "break", "public", None, "", "Break", "休憩", ()),
    Item(0, "15:40", 45, 0, "talk", "public", 0, "en-ja", "What the security-clearance law of 2024 changes for start-ups", "2024年のセキュリティ・クリアランス法がスタートアップに及ぼす変化", ("mod",)),
    Item(0, "15:40", 60, 2, "workshop", "registered", 2, "en-ja", "Workshop: Export control before the first slide", "実習 最初のスライドの前に考える輸出管理", ("meti", "dcma")),
    Item(0, "15:40", 60, 3, "closed_session", "cleared", 0, "en", "Cleared session: Sensor requirements", "クリアランス保有者会合 センサー要求", ("diu", "jsdf")),
    Item(0, "16:40", 40, 0, "panel", "public", 1, "en-ja", "Panel: Investors, limited partners and dual use", "パネル討論 投資家・出資者とデュアルユース", ("iqt", "inaho-ventures", "potomac-seed")),
    Item(0, "17:30", 120, 0, "networking", "registered", None, "", "Reception", "レセプション", ()),
    Item(1, "09:00", 45, 0, "keynote", "public", 0, "en-ja", "Keynote: Needs stated plainly", "基調講演 ニーズを率直に示す", ("mod", "diu")),
    Item(1, "09:45", 60, 0, "panel", "public", 2, "en-ja", "Panel: Fusion, batteries and islands", "パネル討論 核融合・蓄電池・離島", ("mizuho-fusion-magnets", "helio-forge", "shiosai-energy")),
    Item(1, "09:45", 45, 2, "talk", "registered", 2, "en", "Quantum sensors outside the laboratory", "研究室を出た量子センサー", ("stillpoint-quantum", "kaede-quantum")),
    Item(1, "10:45", 20, 0, "break", "public", None, "", "Break", "休憩", ()),
    Item(1, "11:05", 75, 1, "pitch_block", "public", 3, "en-ja", "Pitches 2: Space, energy and materials", "ピッチ2 宇宙・エネルギー・素材", ()),
    Item(1, "11:05", 45, 2, "workshop", "invited", 1, "en-ja", "Round table: Joint prize challenges of DIU and DISTI", "円卓会議 DIUとDISTIの共同懸賞", ("diu", "disti")),
    Item(1, "12:20", 60, 0, "break", "public", None, "", "Lunch", "昼食", ()),
    Item(1, "13:20", 60, 0, "panel", "public", 1, "en-ja", "Panel: Primes as bridges", "パネル討論 橋渡し役としての大企業", ("fujimine-heavy", "meridian-defense", "kaiyo-shipyards")),
    Item(1, "14:30", 40, 0, "talk", "public", 0, "en-ja", "Results of the day and what comes next", "総括と今後", ("meti", "nsc")),
    Item(1, "15:10", 20, 0, "talk", "public", 0, "en-ja", "Closing remarks", "閉会挨拶", ("sjac", "atla")),
)

PITCH_TITLES = {
    "hayabusa-robotics": ("A robot that climbs hulls", "船体を登るロボット"),
    "kazeyomi": ("Wind, ten minutes ahead", "10分先の風を読む"),
    "tsubame-aero": ("Thirty hours aloft from a van", "ワゴン車から30時間の観測"),
    "kaede-quantum": ("Navigation without satellites", "衛星に頼らない航法"),
    "nagi-marine": ("Listening on the buoy", "ブイの上で聴く"),
    "mori-sensing": ("Seeing under trees", "木々の下を見る"),
    "kawasemi": ("Dive, swim, take off", "潜り、泳ぎ、飛び立つ"),
    "long-name-institute": ("Buoys that talk", "語り合うブイ"),
    "ridgeline-autonomy": ("Teams that plan for themselves", "自ら計画する群れ"),
    "bluewater-additive": ("Parts printed at the pier", "岸壁で造る部品"),
    "stillpoint-quantum": ("Gravity maps from a moving deck", "揺れる船上の重力地図"),
    "tern-satellite": ("Every ship, every twenty minutes", "20分ごとにすべての船を"),
    "hoshizora-optics": ("Light between satellites", "衛星をつなぐ光"),
    "hibari-space": ("Fifty kilograms to orbit", "50キログラムを軌道へ"),
    "mizuho-fusion-magnets": ("Magnets for compact fusion", "小型核融合のための磁石"),
    "shiosai-energy": ("Power from waves", "波から電力を"),
    "sumi-materials": ("Ceramics in a day", "1日でできるセラミック"),
    "helio-forge": ("Camps without convoys", "燃料輸送のない野営"),
    "aoba-bio": ("Plasma on demand", "必要なときに血漿を"),
    "larkspur-bio": ("One breath is enough", "一息で足りる検査"),
    "tategami-security": ("Firmware that lies", "嘘をつくファームウェア"),
    "copperfield-labs": ("A tireless red team", "疲れを知らない攻撃検証"),
    "granite-peak-robotics": ("Loading without a crew", "人のいない積み込み"),
    "asagao-ai": ("Two languages, one device", "二つの言語を一台で"),
}
CRITERIA = (
    ("Fit to a stated need", "示されたニーズへの適合", 3),
    ("Maturity of the technology", "技術の成熟度", 2),
    ("Team", "チーム", 2),
    ("Path to both markets", "両国市場への道筋", 1),
)
TOPICS = (
    ("Prototype award: is our stage right?", "プロトタイプ契約に適した段階か伺いたい"),
    ("A sea trial with your unit next summer", "来夏の海上試験について"),
    ("Export classification of our sensor", "当社センサーの輸出該非判定"),
    ("Investment and a first customer", "投資と最初の顧客について"),
    ("Supply of parts for ship repair", "艦船修理向け部品の供給"),
    ("Joint bid under the dual-use framework", "デュアルユースの枠組みでの共同提案"),
)
# fmt: on
