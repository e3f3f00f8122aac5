"""The words URLs are made of: plain data, grouped by the job they do in an address."""

# ruff: noqa: E501, SIM905  (a list of words reads as text)

THINGS = tuple(
    """
    account agency album android animal apple archive article artist audio baby backup balance ball band bank baseball
    basket bath battery beach bear bed beer bell bicycle bike bird biology block board boat body book border bottle box
    brain bread bridge budget building bus butter button cable cake calculator calendar camera camp candle car card
    career carpet cash castle cat cell chain chair chart cheese chemistry chess child church cinema circle city class
    classic clock cloud club coach coffee coin college color comedy comic command computer concert contract cookie
    copper cotton country course cover cream credit cricket crime cross crystal culture cycle dance data database date
    day dental desert design desk device diagram diamond diet digital dinner disk dish doctor dog domain door dream
    dress driver drum earth economy editor election electron energy engine english error event excel exercise eye fabric
    factory family fan farm fashion father fence festival fiber field film filter finance fire fish fitness flag flash
    flight floor flower folder food football forest form formula forum frame freight fruit fuel function furniture
    future gallery game garage garden gas gate gateway gear geometry gift glass goal gold golf grain grammar graph grass
    green guide guitar hair hammer hand harbor hardware head health heart history holiday home honey horse hospital
    hotel house human hunter ice idea image industry ink insect insurance interest internet iron island jacket jazz
    jewel job journal juice kernel key keyboard kitchen knife label ladder lake lamp land language laptop laser law
    layer leaf league leather lesson letter library light limit line link linux lion list literature logic lunch
    machine magazine magnet mail manual map marble market mask math meadow meal measure meat media medicine memory
    menu metal meter method mirror mobile model moment money monitor moon morning motor mountain mouse movie museum
    music nature network news night noise note novel number nurse ocean office oil orange organ packet page paint
    palace panel paper parent park partner party path pattern peace pencil people pepper percussion phone photo physics
    piano picture pilot pipe plan planet plant plastic plate player poem poetry point pool port potato power present
    printer prison prize problem product profile program project protein protocol public pump puzzle quality question
    quote radio rail rain recipe record region report research resort resource restaurant review rice ring river road
    robot rock roof room root rose router routine rubber rule salad salary salt sample sand scale scanner school science
    score screen script sea season segment sensor server service session shadow shape sheet shell ship shirt shoe shop
    signal silk silver singer site skill skin sky snow soap society socket software soil solar song sound soup source
    space speaker speech spice spider sport spring square stage stamp star state station statue steel stone storage
    store storm story street student studio style sugar summer sun surface survey swim switch symbol system table tank
    tape target task tax tea teacher team technology television temple tennis tent term text theater theory thread
    ticket tiger tile timber time tip tire title tool tooth top tour tower town toy track trade traffic train transfer
    travel tree trend truck tunnel tutorial union universe user vacation valley value vector vehicle video view village
    violin vision visit vitamin voice volume wall war watch water wave weather web wedding weight wheel wheat whisky
    wind window wine winter wire wireless wolf woman wood word work workshop world writer yard year yoga youth zone zoo
    """.split()
)

QUALITIES = tuple(
    """
    active advanced all alpha american ancient basic best better big black blue bright british busy central cheap clean
    clear clever common complete cool creative daily deep digital direct easy electric elegant essential european exact
    express extra fair famous fast fine first free fresh friendly general gentle global golden good grand great green
    happy healthy high holy hot human ideal independent indian inner international junior kind last local long lost
    lucky magic main major master mega mini modern my natural new next nice nordic north official old one only open
    organic original pacific perfect personal polar popular premium prime private pro professional proud public pure
    quick quiet rapid real red regional rich royal safe second senior sharp shiny silent simple smart social soft solid
    south special strong super sweet swift the top total traditional true ultra united universal urban vintage virtual
    warm white wild wise wonderful world young your
    """.split()
)

PLACES = tuple(
    """
    africa alaska amsterdam arizona athens austin australia austria bali bangkok barcelona bavaria belfast berlin boston
    brasil bristol budapest cairo california canada carolina chicago chile china colorado cornwall crete cuba cyprus
    dallas delhi denver devon dublin dubai edinburgh egypt england europe finland florida france geneva georgia germany
    glasgow hawaii helsinki houston india indiana iran ireland istanbul italia japan jersey kansas kent kenya kerala
    kiev lagos leeds lima lisbon london madrid malta manchester maryland melbourne mexico miami milano minnesota montana
    moscow munich nairobi napoli nevada nigeria norway ohio oregon orlando oslo oxford paris peru phoenix poland porto
    praha queensland roma russia scotland seattle serbia sicily singapore spain sussex sweden swiss sydney tampa texas
    tokyo toronto toscana turkey utah venice vermont vietnam vienna virginia wales warsaw wellington york zurich
    """.split()
)

NAMES = tuple(
    """
    adam adams alan alex alice allen amy andersen anderson andrea andrew anna anthony antonio baker barbara becker bell
    ben bennett bianchi bill bob bowen brown bruno campbell carla carlos carol carter charles chris christine clark cole
    collins cooper costa daniel dave david davis diana diaz dixon don edward elena ellis emily emma eric evans ferrari
    fischer fisher foster frank fred garcia gary george gibson gomez gordon graham grant green greg hall hans hansen
    harris harry helen henry hill hughes ivan jack jackson jacob james jane jansen jason jean jensen jim joe john
    johnson jones jordan jose joseph juan julia karen karl kate kelly ken kevin king klein knight kumar larry laura lee
    leo lewis linda lisa lopez louis lucas luis lynn marco marcus maria mark marshall martin martinez mary mason matt
    max meyer michael mike miller mitchell mohamed moore morgan morris murphy murray nancy nelson nguyen nick nielsen
    nina novak olga oliver olsen parker patel patrick paul pedro perez peter petrov phil pierre porter powell price
    rachel ramirez ray reed rich richard roberts robinson rogers ross rossi roy russell ruth ryan sam sanchez sandra
    sara schmidt schneider scott sharma shaw simon singh smith sofia sophie spencer stefan stella steve stewart stone
    susan tanaka taylor thomas thompson tim tom tony turner victor wagner walker ward watson weber white will williams
    wilson wong wood wright young yuki
    """.split()
)

TRADES = tuple(
    """
    academy accounting advertising agro apartments architects art associates auction auto automation bakery barber beauty
    bistro blinds books boutique brewery builders cafe care catering chiropractic choir clinic college comics community
    concepts construction consulting contractors cosmetics counseling dentist design detailing developers dojo edu
    education electric electronics engineering enterprises equipment estate events export express fabrics farms fashion
    finance fitness flooring florist foods foundation fotografie foundry freight furniture galleries gallery gaming
    garden grill group guesthouse gym health heating hosting hotel import inc industries infotech inn insurance
    interiors international jewelry kids kitchen labs landscaping law lawyers ling locksmith logistics lodge ltd
    machinery magazine management marine marketing massage media medical ministry mode motors movers music network
    nutrition optics outdoor outlet packaging painting parts partners pet pharma photography physio pizza plastics
    plumbing power press print production properties publishing pub racing radio realestate realty records recovery
    recruitment removals rentals repairs research resort restaurant roofing safety salon school security services shoes
    shop solar solutions spa sports staffing store studio studios style supplies surgery systems tech technologies
    textiles theatre tiles tools tours toys trading training transport travel trucks tv university vacations ventures
    vets villas vision watches web wedding wellness wines works yachts yoga
    """.split()
)

FOREIGN = tuple(
    """
    abogado accion agencia agua alles alquiler amigo apotheke arbeit arquitetos arte asesoria atelier auberge avto
    azienda bahn bahis banca banya bau baum bebe bella berg bezpieczna bijoux bilder blog blumen bois bolsa bouw brasil
    buch buena bureau cabinet calcio cam camara cantina carne carros casa casino centro chambre chateau cidade cinta
    citta clinica coche coiffure colegio comercio compra construccion contabil corazon corso cosmetica courrier cucina
    cultura dacha danse decor deporte desa deti diario dieta digi direct disenos doku dom drogeria druk ecole editora
    educacion eglise eiendom empresa energia escola escritorio espana estilo fabrica familia farmacia ferien festa
    feuer fiesta fille finanzas finca fiori flor foret formation foto frau freunde fuer gabinet galeria gelato gesund
    giornale globo gold grafik grupo gurme guru haber handel haus hem herz hogar holz hus ile immo immobilier impresa
    indah industria info ingenieria inmobiliaria instituto jardin jeu jogos jouet juego juridico kaffee kafe karta kauf
    kinder kirche kitap kniga koeln konsult kredit kuche kultur kunst kurs laden lac land leben legal libro limpieza
    livre loja lojas luz macchine madera maestro magazin maison mama manga mar marche markt mascotas medico mercado
    mesto metall mir mobel moda moto mueble mundo musica nacional natur negocio niewe noticia nova nuevo obra ofis okna
    oliva ortho padel palazzo panaderia parfum pays pelle perla pesca piscina piso planeta playa plaza plus poczta
    polska portal posta praxis prensa presse produto profi promo puerta punto quartier radio rede region reise remont
    rencontre revista ristorante rodzina ropa saglik salud sante santa schloss schmuck schule seguro semana servicio
    servis sklep slim sol spiel spor sport stavby sterne strand stroy studio stube sucre sugi taller tanz teatro
    tecnica tecno tele terra tienda tierra toko tour trabajo transporte turismo uhren universo vacances vanz vente
    verde verein verlag vestido viaggi viajes vida viento vila vino vital viva voyage wein werbung werk wiki wohnen
    yapi zaun zeit zeitung zentrum zoek
    """.split()
)

SYLLABLES = tuple(
    """
    ba be bi bo bu ca ce ci co cu da de di do du fa fe fi fo ga ge gi go gu ha he hi ho ja je jo ka ke ki ko ku la le
    li lo lu ma me mi mo mu na ne ni no nu pa pe pi po ra re ri ro ru sa se si so su ta te ti to tu va ve vi vo wa wi
    xa xi ya yo za ze zi zo an ar el en er in is on or us al ex ix ox um
    """.split()
)

SECTIONS = tuple(
    """
    about about-us archive archives article articles blog blogs book books browse business careers catalog categories
    category community contact content courses department detail details dictionary discover docs documents download
    downloads education encyclopedia entertainment events examples explore faq features files film forum forums
    gallery games glossary guide guides health help history home html images info issues item jobs journal library life
    list local map media members movies music news node notes page pages papers people photo photos players post posts
    press product products profiles programs projects publications questions recipes reference reports research
    resources review reviews science search sections services shop site solutions sports staff store stories study
    subject support tag tags teams technology term text tips tools topic topics travel tutorial tutorials video videos
    view web wiki world
    """.split()
)

LANGUAGES = "en en-us en-gb en-en us uk fr de es it nl ru pt au ca in eu pl jp".split()

LITTLE = "a and at by for from how in is it of on or the to top vs what why with your".split()

VERBS = tuple(
    """
    add adopt build buy change check choose clean collect compare connect convert cook create define delete design
    discover draw explain explore find fix format get grow improve install learn make manage open organize paint play
    prepare protect read remove repair replace save sell set share start stop teach test track train travel turn
    understand upgrade use visit watch win write
    """.split()
)

LURES = tuple(
    """
    account access activate active alert approve auth authenticate authorize bank billing check client cloud confirm
    confirmation connect customer deactivate delivery device document e-mail email form help help-center helpdesk home
    id identity info information invoice limited limited-account locked log log-in login logon mail mailbox member
    message mobile myaccount notice notification online password pay payment personal portal process profile protect
    recover recovery redirect refund register renew required reset resolution review safe secure secured security
    service services session settings sign sign-in signin sms ssl statement submit support suspended system
    ticket tracking unlock unusual update updating upgrade urgent user validate validation verification verify view
    voicemail wallet web webapp webmail webscr websrc welcome
    """.split()
)

KIT_FOLDERS = tuple(
    """
    .well-known 2018 2019 2020 1 11 a aa ab accounts adm admin ajax alert ap api apps asd assets auth b bin bk bless
    boss cache cgi cgi-bin chm client clients cms components config control cp cr crypt cs css customer customer_center
    d data db de demo dev direct doc docs document drive e en error ex excel fb file files fonts form fr fresh ft g gate
    gen gg home host hot ib id image images img imp import in inc include includes index info js jsp kk la lang libraries
    lib link log logs lol m mail main me media mim mobile mod modules my n net new new1 newfile news nn o office offer ok
    ol old on ow owa p page pages pdf pop portal priv private pro public q r read red redir res s safe scan se server
    share shop site sk smart source sp src ss start static step sw sys system t temp template templates test text theme
    tmp to tr tt uk up update upload uploads us user users v v2 v3 v4 ver vn w web web1 webapps well wp x x1 xx xxx xml
    y z zip zz
    """.split()
)

WORDPRESS = (
    "wp-content", "wp-content/plugins", "wp-content/themes", "wp-content/uploads", "wp-includes", "wp-includes/js",
    "wp-includes/css", "wp-includes/images", "wp-includes/certificates", "wp-includes/SimplePie", "wp-includes/fonts",
    "wp-admin", "wp-admin/css", "wp-admin/includes", "wp-admin/js", "wp-admin/network", "wp-admin/user",
    "wp-admin/images", "wp-admin/maint", "wp-content/cache", "wp-content/languages", "wp-content/upgrade",
)  # fmt: skip

OTHER_SYSTEMS = (
    "administrator", "administrator/components", "components/com_contact", "components/com_content", "modules/mod_menu",
    "images/stories", "templates/beez3", "templates/system", "libraries/joomla", "media/system/js", "plugins/system",
    "sites/all/modules", "sites/default/files", "includes/js", "js/jquery", "js/tinymce/plugins", "language/en-GB",
    "cgi-bin", "tmp", "cache", "vendor/phpunit", "skin/frontend", "app/code", "assets/js", "public_html", "_vti_bin",
    ".well-known/acme-challenge", ".well-known/pki-validation", "fckeditor/editor", "store/image", "modules/blocksearch",
)  # fmt: skip

KIT_PAGES = tuple(
    """
    index login signin home verify update account auth confirm secure main mail error next step1 step2 page processing
    redirect success default webmail document doc view download off365 office cc info u ii l go red logon start form
    validate welcome customer link process check done email id finish continue dropbox adobe excel pdf gdoc
    """.split()
)
