"""Japanese script folded so that spellings of one name meet: kana, old kanji, romanization."""

import re
import unicodedata

# Old or variant characters met in Japanese company and family names, and the one we compare by.
# Only variants of one character in use as such; not characters that merely look alike.
_OLD_AND_NEW = (
    "髙高 﨑崎 嵜崎 澤沢 齋斎 齊斎 斉斎 濱浜 濵浜 邊辺 邉辺 廣広 國国 學学 會会 櫻桜 瀧滝 龍竜 "
    "壽寿 寶宝 寳宝 圓円 釋釈 惠恵 榮栄 縣県 眞真 藏蔵 鐵鉄 鉃鉄 嶋島 嶌島 德徳 曻昇 冨富 靜静 "
    "渊渕 淵渕 燈灯 橫横 黑黒 槇槙 應応 萬万 驛駅 關関 戶戸 氣気 醫医 藥薬 產産 總総 發発 變変 "
    "專専 經経 濟済 營営 實実 鑛鉱 礦鉱 擧挙 檢検 證証 團団 獨独 辯弁 辨弁 瓣弁 舊旧 臺台 體体 "
    "畫画 圖図 戰戦 彈弾 鹽塩 豐豊 來来 與与 兩両 區区 參参 單単 嚴厳 處処 劍剣 勞労 勳勲 姬姫 "
    "將将 屆届 巖巌 廳庁 彌弥 拂払 收収 數数 晉晋 曉暁 條条 樂楽 樣様 權権 歐欧 齒歯 歸帰 殘残 "
    "亞亜 佛仏 價価 傳伝 兒児 勸勧 囑嘱 壯壮 壹壱 峽峡 峯峰 廢廃 從従 惡悪 攝摂 曾曽 桒桑 棧桟 "
    "檜桧 歷歴 淺浅 溫温 滿満 澁渋 濕湿 爐炉 獻献 當当 盡尽 碎砕 禮礼 穗穂 穰穣 粹粋 絲糸 緖緒 "
    "繩縄 續続 纖繊 缺欠 聲声 肅粛 腦脳 舘館 莊荘 萠萌 蠶蚕 蟲虫 裝装 覺覚 觀観 觸触 譯訳 讀読 "
    "轉転 輕軽 辭辞 遲遅 遙遥 釀醸 錄録 錢銭 鎭鎮 隨随 險険 雜雑 靈霊 顯顕 飜翻 餘余 騷騒 驗験 "
    "鷄鶏 鷗鴎 麥麦 點点"
)
_KANJI = {ord(pair[0]): pair[1] for pair in _OLD_AND_NEW.split()}

_HIRAGANA = {code: code + 0x60 for code in range(0x3041, 0x3097)} | {0x309D: 0x30FD, 0x309E: 0x30FE}
_SMALL = str.maketrans("ァィゥェォッャュョヮヵヶ", "アイウエオツヤユヨワカケ")
# Sounds that have merged: written either way in names.
_MERGED = str.maketrans("ヂヅヰヱヲ", "ジズイエオ")
_V = re.compile("ヴ([ァィェォャュョ]?)")
_V_AS_B = {
    "": "ブ",
    "ァ": "バ",
    "ィ": "ビ",
    "ェ": "ベ",
    "ォ": "ボ",
    "ャ": "ビャ",
    "ュ": "ビュ",
    "ョ": "ビョ",
}

# Hyphens, dashes, minus signs, tildes and the long vowel mark: typed for one another.
DASHES = "-\u00ad‐‑‒–—―−－ー─━~〜～ｰ"


def katakana(text: str) -> str:
    """Hiragana as katakana, half width as full width, full-width Latin as ASCII."""
    return unicodedata.normalize("NFKC", text).translate(_HIRAGANA)


def fold_kana(text: str) -> str:
    """Katakana with spellings of one sound made one: キャ/キヤ, ヴァ/バ, ヅ/ズ, ヶ/ケ."""
    text = _V.sub(lambda match: _V_AS_B[match[1]], katakana(text))
    return text.translate(_SMALL).translate(_MERGED)


def fold_kanji(text: str) -> str:
    """Old and variant forms of kanji replaced by the usual ones: 髙橋 as 高橋."""
    return text.translate(_KANJI)


# --- Sorting -------------------------------------------------------------------------------------
_VOWEL_ROWS = {
    "ア": "アカサタナハマヤラワガザダバパ",
    "イ": "イキシチニヒミリギジヂビピ",
    "ウ": "ウクスツヌフムユルグズヅブプヴ",
    "エ": "エケセテネヘメレゲゼデベペ",
    "オ": "オコソトノホモヨロヲゴゾドボポ",
}
_VOWEL_OF = {kana: vowel for vowel, row in _VOWEL_ROWS.items() for kana in row}
_VOICED = re.compile("[\u3099\u309a]")


def collation_key(kana: str) -> str:
    """Order of a Japanese index: sounds first; voicing, size and the long mark break ties.

    After JIS X 4061, for names: ー counts as the vowel before it.
    """
    text = " ".join(katakana(kana).split())
    large = text.translate(_SMALL)
    lengthened: list[str] = []
    for character in large:
        if character == "ー" and lengthened:
            character = _VOWEL_OF.get(lengthened[-1], "ー")
        lengthened.append(character)
    base = _VOICED.sub("", unicodedata.normalize("NFD", "".join(lengthened)))
    return f"{base}\x1f{text}"


# --- Romanization --------------------------------------------------------------------------------
_ROWS = (
    ("アイウエオ", "a i u e o"),
    ("カキクケコ", "ka ki ku ke ko"),
    ("サシスセソ", "sa shi su se so"),
    ("タチツテト", "ta chi tsu te to"),
    ("ナニヌネノ", "na ni nu ne no"),
    ("ハヒフヘホ", "ha hi fu he ho"),
    ("マミムメモ", "ma mi mu me mo"),
    ("ヤユヨ", "ya yu yo"),
    ("ラリルレロ", "ra ri ru re ro"),
    ("ワヰヱヲン", "wa i e o n"),
    ("ガギグゲゴ", "ga gi gu ge go"),
    ("ザジズゼゾ", "za ji zu ze zo"),
    ("ダヂヅデド", "da ji zu de do"),
    ("バビブベボヴ", "ba bi bu be bo bu"),
    ("パピプペポ", "pa pi pu pe po"),
)
_ROMAN = {kana: roman for row, romans in _ROWS for kana, roman in zip(row, romans.split(), strict=True)}
_GLIDES = {"ャ": "a", "ュ": "u", "ョ": "o", "ァ": "a", "ィ": "i", "ゥ": "u", "ェ": "e", "ォ": "o"}


def romanize(text: str) -> str:
    """Kana in plain Hepburn without long vowels' marks; everything else is left as it is."""
    romans: list[str] = []
    for character in katakana(text):
        if character in _GLIDES and romans and romans[-1][-1:] in "iue":
            # キャ kya, シャ sha, チョ cho, ファ fa, ティ ti
            stem = romans[-1][:-1]
            y = "y" if character in "ャュョ" and stem not in ("sh", "ch", "j") else ""
            romans[-1] = stem + y + _GLIDES[character]
        elif character in _GLIDES:
            romans.append(_GLIDES[character])
        elif character in "ッー":
            continue
        else:
            romans.append(_ROMAN.get(character, character))
    return "".join(romans)


_LONG = re.compile(r"o[uoh](?=[^aeiouy]|$)|uu|aa|ii|ee|oo")
_DOUBLED = re.compile(r"(.)\1")


def fold_romanization(latin: str) -> str:
    """A romanized name with the spelling habits removed: Ōta, Ohta, Outa, Oota -> ota.

    latin: lower-case letters without accents. Also m/n before a lip sound, tch, l and v.
    """
    text = _LONG.sub(lambda match: match[0][0], latin)
    text = text.replace("tch", "ch").replace("l", "r").replace("v", "b")
    text = re.sub(r"m(?=[bmp])", "n", text)
    for old, new in (("si", "shi"), ("tya", "cha"), ("tyu", "chu"), ("tyo", "cho"), ("hu", "fu")):
        text = text.replace(old, new) if old != "hu" else re.sub(r"(?<![cs])hu", new, text)
    return _DOUBLED.sub(r"\1", text)
