//! Text in one form for finding terms: compatibility forms, case, width and script variants folded.

use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization;

/// Traditional and simplified character, pair after pair. Covers the common characters of consumer matters, not the language.
const PAIRS: &str = "\
    乾干亂乱亞亚佈布佔占來来侶侣係系俠侠倉仓個个們们倫伦偉伟側侧偵侦偽伪傑杰傘伞備备傢家傭佣傳传債债傷伤傾倾僅仅僞伪僱雇價价儀仪億亿儘尽償偿優优\
    儲储兒儿兩两冊册凍冻凱凯別别刪删則则剋克剛刚創创劃划劇剧劉刘劑剂勁劲動动務务勝胜勞劳勢势勵励勸劝匯汇區区協协卻却厭厌參参吳吴員员問问啓启啞哑\
    啟启喚唤喪丧喬乔單单喲哟嗎吗嘆叹嘗尝嘩哗嘮唠噴喷嚇吓嚐尝嚴严國国圍围園园圓圆圖图團团執执堅坚報报場场塊块塗涂塵尘墊垫墜坠墮堕墳坟墻墙壇坛壓压\
    壘垒壞坏壟垄壺壶壽寿夠够夥伙夾夹奧奥奪夺奮奋妝妆妳你姊姐婦妇媽妈嬰婴孫孙學学宮宫實实寧宁審审寫写寬宽寵宠寶宝將将專专尋寻對对導导屆届屍尸層层\
    屬属岡冈島岛嶺岭巖岩師师帳帐帶带幣币幫帮幹干幾几庫库廁厕廂厢廈厦廚厨廟庙廠厂廢废廣广廬庐廳厅張张強强彈弹彌弥彎弯彙汇後后徑径從从復复徵征徹彻\
    恆恒悅悦惡恶惱恼愛爱態态慘惨慣惯慶庆慾欲憂忧憐怜憑凭憤愤憲宪憶忆應应懲惩懶懒懷怀懸悬懺忏戀恋戰战戲戏戶户拋抛捨舍掃扫掙挣掛挂採采揀拣揚扬換换\
    揮挥揹背損损搖摇搶抢撈捞撐撑撥拨撫抚撲扑撿捡擁拥擇择擊击擋挡擔担據据擡抬擬拟擰拧擱搁擴扩擺摆擾扰攏拢攔拦攜携攝摄攤摊攪搅敗败敵敌數数斂敛斬斩\
    斷断於于昇升時时晉晋暈晕暢畅暫暂曆历曉晓曏向曠旷曬晒書书會会東东條条棄弃棧栈棲栖楊杨業业極极榮荣構构槍枪槓杠樂乐樓楼標标樣样樸朴樹树橋桥機机\
    檔档檢检檯台檸柠櫃柜櫥橱櫻樱欄栏權权欽钦歎叹歐欧歡欢歲岁歷历歸归殘残殺杀殼壳毀毁氈毡氣气決决沒没沖冲況况涼凉淚泪淨净減减渦涡測测渾浑湊凑湯汤\
    準准溝沟滅灭滯滞滷卤滿满漢汉漲涨潔洁潤润潰溃澤泽濃浓濕湿濛蒙濟济濤涛濫滥濰潍濱滨濾滤瀉泻瀏浏瀝沥灑洒灘滩灣湾災灾為为烏乌無无煉炼煙烟煩烦熱热\
    燈灯燒烧燙烫營营燭烛燴烩燻熏爍烁爐炉爛烂爭争爺爷爾尔牆墙牠它牽牵犛牦犧牺狀状獄狱獎奖獨独獲获獸兽獻献現现瑣琐瑩莹瑪玛環环璽玺產产甦苏畝亩畢毕\
    畫画異异當当痺痹瘋疯療疗癢痒癥症癮瘾發发皰疱皺皱盃杯盜盗盡尽監监盤盘盧卢眞真眾众瞞瞒瞭了矯矫確确碼码磚砖礎础礦矿祕秘禍祸禦御禮礼秈籼稅税種种\
    稱称穌稣積积穩稳穫获窮穷竅窍竊窃競竞筆笔節节範范築筑篩筛簡简簽签簾帘籃篮籤签粧妆粵粤糉粽糞粪糧粮紀纪約约紋纹純纯紗纱紙纸級级紛纷紡纺細细紹绍\
    終终組组結结絕绝絡络給给絨绒統统絲丝綁绑經经綜综綠绿綢绸維维網网綿绵緊紧線线緝缉緞缎締缔緣缘編编緩缓緯纬緻致縣县縮缩總总績绩織织繡绣繪绘繫系\
    繳缴繼继續续纏缠纔才罈坛罰罚罵骂罷罢羅罗羣群義义習习聖圣聞闻聯联聰聪聲声聳耸職职聽听聾聋肅肃脅胁脣唇脫脱脹胀腎肾腦脑腫肿腳脚腸肠膚肤膠胶膩腻\
    膽胆臉脸臍脐臘腊臟脏臨临臺台與与興兴舉举舊旧艙舱艦舰艱艰艷艳荊荆莊庄莖茎華华菸烟萊莱萬万葉叶葯药蒐搜蓆席蓋盖蓮莲蔣蒋蔥葱蕭萧薑姜薦荐薩萨\
    藍蓝藝艺藥药蘆芦蘇苏蘊蕴蘋苹蘭兰蘿萝處处虛虚號号虧亏蝕蚀蝦虾蟲虫蟻蚁蠟蜡蠶蚕衆众術术衛卫衝冲衹只裏里補补裝装裡里複复褲裤製制褻亵襪袜襬摆襯衬襲袭\
    覈核見见規规視视親亲覺觉覽览觀观觸触訂订訊讯討讨訓训託托記记訛讹訟讼訪访設设許许訴诉診诊註注詐诈評评詞词詢询試试詩诗詭诡話话該该詳详誇夸認认\
    誕诞誘诱語语誠诚誤误說说誰谁課课誹诽調调談谈請请諒谅論论諧谐諮咨諷讽諾诺謀谋謂谓謊谎講讲謝谢謠谣謹谨證证識识譜谱譯译議议護护譽誉讀读變变讓让\
    讚赞豎竖豐丰豬猪貓猫貝贝負负財财貢贡貧贫貨货販贩貪贪貫贯責责貯贮貴贵買买貸贷費费賀贺賃赁賄贿資资賊贼賓宾賜赐賞赏賠赔賢贤賣卖賦赋質质賬账賴赖\
    購购贈赠贏赢贓赃趕赶趙赵趨趋跡迹跼局踐践踴踊躍跃軀躯車车軋轧軌轨軍军軟软較较載载輔辅輕轻輛辆輝辉輪轮輯辑輸输輻辐輾辗轄辖轉转轎轿轟轰辦办辭辞\
    辯辩農农迴回這这連连週周進进遊游運运過过達达違违遙遥遜逊遞递遠远適适遲迟遷迁選选遺遗遼辽邁迈還还邊边邏逻郵邮鄉乡鄧邓鄭郑鄰邻醜丑醫医醬酱釀酿\
    釋释釘钉針针釣钓鈉钠鈔钞鈕钮鈴铃鉑铂鉗钳鉛铅銀银銅铜銳锐銷销鋁铝鋅锌鋒锋鋪铺鋰锂鋸锯鋼钢錄录錢钱錦锦錫锡錯错錶表鍋锅鍛锻鍵键鍾钟鎖锁鎮镇鏈链\
    鏡镜鏢镖鏽锈鐘钟鐳镭鐵铁鑄铸鑒鉴鑰钥鑲镶鑽钻鑿凿長长門门閃闪閉闭開开閒闲間间閘闸閣阁閤合閥阀閱阅閲阅闆板闊阔闖闯關关闢辟陝陕陣阵陰阴陳陈陸陆\
    陽阳隊队階阶際际隨随險险隱隐隴陇隻只雙双雜杂雞鸡離离難难雲云電电霧雾靈灵靜静鞦秋韌韧韓韩韻韵響响頁页頂顶項项順顺須须頌颂預预頑顽頒颁頓顿頗颇\
    領领頭头頰颊頸颈頻频顆颗題题額额顏颜願愿類类顧顾顯显顱颅風风颱台颳刮颶飓飄飘飛飞飪饪飯饭飲饮飼饲飽饱飾饰餃饺餅饼養养餓饿餘余餚肴館馆餵喂饅馒\
    馬马馮冯駁驳駐驻駕驾駛驶駝驼騎骑騙骗騰腾騷骚騾骡驗验驚惊驟骤驢驴髒脏體体髖髋髮发鬆松鬍胡鬚须鬥斗鬧闹鬱郁魚鱼魷鱿鮑鲍鮭鲑鮮鲜鯉鲤鯊鲨鰻鳗鱷鳄\
    鱸鲈鳥鸟鳳凤鴨鸭鴿鸽鵝鹅鵪鹌鶉鹑鷹鹰鹹咸鹼碱鹽盐麗丽麥麦麪面麵面麼么黃黄點点黨党齊齐齋斋齒齿齡龄齣出龍龙龜龟";

const HAN_FIRST: u32 = 0x4E00;
const HAN_LAST: u32 = 0x9FFF;

/// What each Han character of the basic block becomes: one look-up a character instead of a search.
static SIMPLIFIED: LazyLock<Box<[char]>> = LazyLock::new(|| {
    let mut table: Box<[char]> = (HAN_FIRST..=HAN_LAST).filter_map(char::from_u32).collect();
    let mut pairs = PAIRS.chars().filter(|c| !c.is_whitespace());
    while let (Some(from), Some(to)) = (pairs.next(), pairs.next()) {
        if let Some(slot) = table.get_mut((u32::from(from) - HAN_FIRST) as usize) {
            *slot = to;
        }
    }
    table
});

/// Bytes that the table of characters takes in memory.
pub(super) fn memory() -> usize {
    size_of_val(&**SIMPLIFIED)
}

/// The folded form: NFKC by character, lower case, simplified characters, runs of white space as one space, without zero-width characters and
/// variation selectors.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    fold_into(text, &mut out);
    out
}

/// Appends the folded form.
pub(super) fn fold_into(text: &str, out: &mut String) {
    let table = &*SIMPLIFIED;
    let mut space = true;
    let mut push = |c: char, out: &mut String| {
        if c.is_whitespace() || c.is_control() {
            if !space {
                out.push(' ');
            }
            space = true;
        } else {
            space = false;
            out.push(c);
        }
    };
    for c in text.chars() {
        let code = u32::from(c);
        if c.is_ascii() {
            push(c.to_ascii_lowercase(), out);
        } else if (HAN_FIRST..=HAN_LAST).contains(&code) {
            push(table.get((code - HAN_FIRST) as usize).copied().unwrap_or(c), out);
        } else if matches!(code, 0x3001 | 0x3002 | 0x201C | 0x201D) {
            // The usual Chinese punctuation is its own folded form.
            push(c, out);
        } else if !matches!(code, 0x200B..=0x200F | 0x2060 | 0xFEFF | 0xFE00..=0xFE0F) {
            for part in std::iter::once(c).nfkc().flat_map(char::to_lowercase) {
                let code = u32::from(part);
                let folded = if (HAN_FIRST..=HAN_LAST).contains(&code) {
                    table.get((code - HAN_FIRST) as usize).copied().unwrap_or(part)
                } else {
                    part
                };
                push(folded, out);
            }
        }
    }
}
